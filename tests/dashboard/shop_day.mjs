// About 200 Segment items: shoppers of several channels and devices that look, put into carts, and one who buys.
const AGENTS = {
  desktop: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
  mobile: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
};
const CAMPAIGNS = [undefined, { source: 'google', medium: 'cpc', name: 'spring' }, { source: 'news', medium: 'email' }];
export const PRODUCTS = [
  { product_id: 'shoe-1', name: 'Trail shoe', category: 'shoes', price: 89.9 },
  { product_id: 'bag-7', name: 'Canvas tote', category: 'bags', price: 42.5 },
  { product_id: 'lamp-3', name: 'Desk lamp', category: 'lighting', price: 64 },
];
export const BOUGHT = PRODUCTS[0];
export const SHOPPERS = 45;

let made = 0;

function item(shopper, fields) {
  const userAgent = shopper % 3 === 0 ? AGENTS.mobile : AGENTS.desktop;
  return {
    messageId: `dashboard-${++made}`,
    anonymousId: `shopper-${shopper}`,
    timestamp: new Date().toISOString(),
    context: { userAgent, campaign: CAMPAIGNS[shopper % CAMPAIGNS.length] },
    ...fields,
  };
}

const track = (shopper, event, properties) => item(shopper, { type: 'track', event, properties: { currency: 'EUR', ...properties } });

export function view(shopper) {
  return track(shopper, 'Product Viewed', PRODUCTS[shopper % PRODUCTS.length]);
}

// What the ledger must say afterwards is counted here, independently of the server.
export function shopDay() {
  const items = [];
  for (let shopper = 0; shopper < SHOPPERS; ++shopper) {
    const product = PRODUCTS[shopper % PRODUCTS.length];
    items.push(item(shopper, { type: 'page', name: 'Home', properties: { path: '/', url: 'https://shop.example/' } }));
    items.push(track(shopper, 'Product List Viewed', { list_id: product.category, category: product.category }));
    items.push(view(shopper), view(shopper));
    if (shopper % 5 === 0) items.push(track(shopper, 'Product Added', { ...product, quantity: 1, cart_id: `cart-${shopper}` }));
  }
  const order = [
    track(0, 'Checkout Started', { order_id: 'order-1', value: 179.8, products: [{ ...BOUGHT, quantity: 2 }] }),
    track(0, 'Payment Info Entered', { order_id: 'order-1' }),
    track(0, 'Order Completed', { order_id: 'order-1', total: 179.8, revenue: 179.8, products: [{ ...BOUGHT, quantity: 2 }] }),
  ];
  const accepted = items.length + order.length;
  order.push({ ...items[0] });  // A duplicate.
  order.push({ type: 'track', event: 'Product Viewed', messageId: 'bad-1', properties: { currency: 'EUR', ...BOUGHT } }, { type: 'bogus', messageId: 'bad-2', anonymousId: 'x' });
  return { batches: [items, order], accepted, duplicate: 1, quarantined: 2 };
}
