import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromConsentMode, fromGa4, listen } from '../src/data_layer';

const ITEM = { item_id: 'shoe-1', item_name: 'Trail shoe', item_category: 'shoes', item_brand: 'Alba', index: 3, price: 89.9, quantity: 2 };
const PRODUCT = { product_id: 'shoe-1', name: 'Trail shoe', category: 'shoes', brand: 'Alba', position: 3, price: 89.9, quantity: 2 };

test('a purchase is an order', () => {
  const made = fromGa4('purchase', { transaction_id: 'o-1', value: 179.8, tax: 10, shipping: 5, currency: 'EUR', coupon: 'X', items: [ITEM] });
  assert.deepEqual(made, [{
    event: 'Order Completed',
    properties: { order_id: 'o-1', revenue: 179.8, tax: 10, shipping: 5, currency: 'EUR', coupon: 'X', products: [PRODUCT] },
  }]);
});

test('an event of one product is made for each of several', () => {
  const made = fromGa4('add_to_cart', { value: 100, currency: 'EUR', items: [ITEM, { item_id: 'bag-7' }] });
  assert.deepEqual(made, [
    { event: 'Product Added', properties: { currency: 'EUR', ...PRODUCT } },
    { event: 'Product Added', properties: { currency: 'EUR', product_id: 'bag-7' } },
  ]);
});

test('lists, searches and checkouts keep their products together', () => {
  assert.deepEqual(fromGa4('view_item_list', { item_list_id: 'l', items: [ITEM] }),
    [{ event: 'Product List Viewed', properties: { list_id: 'l', products: [PRODUCT] } }]);
  assert.deepEqual(fromGa4('search', { search_term: 'red shoe' }), [{ event: 'Products Searched', properties: { query: 'red shoe' } }]);
  assert.deepEqual(fromGa4('add_payment_info', { payment_type: 'card', 'gtm.uniqueEventId': 7, coupon: null }),
    [{ event: 'Payment Info Entered', properties: { payment_method: 'card' } }]);
});

test("names that are not a shop's make nothing", () => {
  for (const name of ['gtm.js', 'scroll', 'toString', 'constructor', '']) assert.deepEqual(fromGa4(name, {}), []);
});

test("Google's consent mode: granted counts at once, denied only once it is decided", () => {
  const state = { analytics_storage: 'granted', ad_storage: 'denied', personalization_storage: 'denied', functionality_storage: 'granted' };
  assert.deepEqual(fromConsentMode('default', state), { analytics: true });
  assert.deepEqual(fromConsentMode('update', state), { analytics: true, marketing: false, personalisation: false });
});

function listening(before = []) {
  const calls = [];
  const layer = before.slice();
  Object.defineProperty(globalThis, 'window', { value: { dataLayer: layer }, configurable: true });
  listen({
    track: (event, properties) => calls.push([event, properties]),
    identify: (id) => calls.push(['identify', id]),
    consent: (consent) => calls.push(['consent', consent]),
  }, 'dataLayer');
  const gtag = function () {
    window.dataLayer.push(arguments);
  };
  return { calls, gtag, layer };
}

test('what was pushed before and what comes later are both taken, and the array still works', () => {
  const { calls, layer } = listening([{ event: 'view_item', ecommerce: { items: [{ item_id: 'a' }] } }]);
  assert.equal(layer.push({ event: 'view_item', ecommerce: { items: [{ item_id: 'b' }] } }, { event: 'gtm.click' }), 3);
  assert.deepEqual(calls, [['Product Viewed', { product_id: 'a' }], ['Product Viewed', { product_id: 'b' }]]);
});

test('the ecommerce part may come before its event, and null takes it away', () => {
  const { calls, layer } = listening();
  layer.push({ ecommerce: { items: [{ item_id: 'a' }] } });
  layer.push({ event: 'view_item' });
  layer.push({ ecommerce: { items: [{ item_id: 'b' }] } });
  layer.push({ ecommerce: null });
  layer.push({ event: 'view_item' });
  assert.deepEqual(calls, [['Product Viewed', { product_id: 'a' }]]);
});

test("gtag's calls: event, consent, and who it is", () => {
  const { calls, gtag } = listening();
  gtag('js', new Date());
  gtag('consent', 'default', { analytics_storage: 'denied' });
  gtag('config', 'G-1', { user_id: 'u-1' });
  gtag('set', { user_id: 'u-1' });
  gtag('event', 'search', { search_term: 'tea' });
  gtag('consent', 'update', { analytics_storage: 'granted' });
  assert.deepEqual(calls, [['identify', 'u-1'], ['Products Searched', { query: 'tea' }], ['consent', { analytics: true }]]);
});

test('what breaks us does not break who pushed it', () => {
  const { calls, layer } = listening([null, 7, 'x', [], {}, { event: {} }, { ecommerce: 3, event: 'purchase' }]);
  const hostile = { get event() { throw new Error('no'); } };
  assert.equal(layer.push(hostile, undefined), 9);
  assert.deepEqual(calls.filter(([name]) => name !== 'Order Completed'), []);
});
