import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';

const product = { product_id: 'p1', name: 'Shoe', price: 49.9, quantity: 1, currency: 'EUR' };

window.shop = (server, { batch = false, beacon = false, order }) => new Promise((resolve) => {
  const analytics = new RudderAnalytics();
  analytics.load('wk', server, {
    configUrl: server,
    useBeacon: beacon,
    ...(beacon && { beaconQueueOptions: { maxItems: 4, flushQueueInterval: 500 } }),
    ...(batch && { queueOptions: { batch: { enabled: true, maxItems: 4, flushInterval: 500 } } }),
  });
  analytics.ready(() => {
    analytics.page('Shoe');
    analytics.track('Product Viewed', product);
    analytics.track('Product Added', product);
    analytics.track('Order Completed', { order_id: order, revenue: 49.9, currency: 'EUR', products: [product] });
    resolve(analytics.getAnonymousId());
  });
});
