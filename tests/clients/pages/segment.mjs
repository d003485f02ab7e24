import { AnalyticsBrowser } from '@segment/analytics-next';

const product = { product_id: 'p1', name: 'Shoe', price: 49.9, quantity: 1, currency: 'EUR' };

window.shop = async (server, { strategy, order }) => {
  const { host } = new URL(server);
  const [analytics] = await AnalyticsBrowser.load({ writeKey: 'wk', cdnURL: server }, {
    integrations: {
      'Segment.io': { apiHost: `${host}/v1`, protocol: 'http', deliveryStrategy: { strategy, config: { timeout: 100 } } },
    },
  });
  await analytics.page('Shoe');
  await analytics.track('Product Viewed', product);
  await analytics.track('Product Added', product);
  await analytics.track('Order Completed', { order_id: order, revenue: 49.9, currency: 'EUR', products: [product] });
  return analytics.user().anonymousId();
};
