import { flushBuffer, newTracker, trackPageView } from '@snowplow/browser-tracker';
import { SnowplowEcommercePlugin, trackAddToCart, trackProductView, trackTransaction } from '@snowplow/browser-plugin-snowplow-ecommerce';

const product = { id: 'p1', name: 'Shoe', category: 'shoes/running', price: 49.9, quantity: 1, currency: 'EUR' };

window.shop = async (server, { method, order, anonymous = false }) => {
  const tracker = newTracker('sp', server, {
    appId: 'shop', eventMethod: method, bufferSize: 1, plugins: [SnowplowEcommercePlugin()],
    ...(anonymous && { anonymousTracking: { withServerAnonymisation: true }, stateStorageStrategy: 'none' }),
  });
  trackPageView();
  trackProductView(product);
  trackAddToCart({ products: [product], total_value: 49.9, currency: 'EUR', cart_id: 'c1' });
  trackTransaction({
    transaction_id: order, revenue: 49.9, currency: 'EUR', payment_method: 'card', total_quantity: 1, products: [product],
  });
  flushBuffer();
  return anonymous ? '' : tracker.getDomainUserId();
};
