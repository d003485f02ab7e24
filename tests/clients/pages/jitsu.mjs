import { jitsuAnalytics } from '@jitsu/js';

const product = { product_id: 'p1', name: 'Shoe', price: 49.9, quantity: 1, currency: 'EUR' };

window.shop = async (server, { order }) => {
  const analytics = jitsuAnalytics({ host: server, writeKey: 'wk:secret' });
  await analytics.page('Shoe');
  await analytics.track('Product Viewed', product);
  await analytics.track('Product Added', product);
  await analytics.track('Order Completed', { order_id: order, revenue: 49.9, currency: 'EUR', products: [product] });
  return analytics.getState('user').anonymousId;
};
