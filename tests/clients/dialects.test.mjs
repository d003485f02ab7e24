// Clients for servers of every dialect but Segment's, and GA4 as a server sends it, against the server at MILLRACE_URL.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { jitsuAnalytics } from '@jitsu/js';
import { buildSelfDescribingEvent, newTracker } from '@snowplow/node-tracker';
import { eventsOf, eventually, idsOf, sql, url } from './millrace.mjs';

const server = new URL(url);

function ecommerce(type, contexts) {
  const schema = (name, version) => `iglu:com.snowplowanalytics.snowplow.ecommerce/${name}/jsonschema/${version}`;
  return [
    buildSelfDescribingEvent({ event: { schema: schema('snowplow_ecommerce_action', '1-0-2'), data: { type } } }),
    contexts.map(([name, data]) => ({ schema: schema(name, '1-0-0'), data })),
  ];
}

for (const eventMethod of ['post', 'get']) {
  for (const encodeBase64 of [true, false]) {
    test(`@snowplow/node-tracker, ${eventMethod}, base64 ${encodeBase64}`, async () => {
      const visitor = randomUUID();
      const order = `o-${visitor}`;
      const tracker = newTracker({ namespace: 'n', appId: 'shop', encodeBase64 }, {
        endpoint: server.hostname, protocol: 'http', port: Number(server.port), eventMethod, bufferSize: 1,
      });
      tracker.setDomainUserId(visitor);
      tracker.setUserId(`u-${visitor}`);
      const product = { id: 'p1', name: 'Shoe', category: 'shoes', price: 49.9, currency: 'EUR', quantity: 2 };
      tracker.track(...ecommerce('product_view', [['product', product]]));
      tracker.track(...ecommerce('add_to_cart', [['product', product], ['cart', { total_value: 99.8, currency: 'EUR' }]]));
      tracker.track(...ecommerce('transaction', [
        ['transaction', { transaction_id: order, revenue: 99.8, currency: 'EUR', payment_method: 'card', total_quantity: 2 }],
        ['product', product],
      ]));
      const rows = await eventually(() => eventsOf(visitor), (found) => found.length >= 3);
      assert.deepEqual(rows.map((row) => row.event_type).sort(), ['order_completed', 'product_added', 'product_viewed']);
      const bought = rows.find((row) => row.event_type === 'order_completed');
      assert.equal(bought.order_id, order);
      assert.equal(bought.product_id, 'p1');
      assert.equal(Number(bought.quantity), 2);
      for (const id of await idsOf(visitor)) assert.match(id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/, 'the event id of the tracker');
    });
  }
}

test('@jitsu/js on a server', async () => {
  const visitor = randomUUID();
  const analytics = jitsuAnalytics({ host: url, writeKey: 'wk:secret', s2s: true });
  analytics.setAnonymousId(visitor);
  await analytics.track('Product Viewed', { product_id: 'p1' });
  await analytics.track('Order Completed', { order_id: `o-${visitor}`, revenue: 5, currency: 'EUR' });
  const rows = await eventually(() => eventsOf(visitor), (found) => found.length >= 2);
  assert.deepEqual(rows.map((row) => row.event_type).sort(), ['order_completed', 'product_viewed']);
  await idsOf(visitor);
});

test('GA4 Measurement Protocol', async () => {
  const visitor = `${Date.now()}.${Math.floor(Math.random() * 1e9)}`;
  const body = JSON.stringify({
    client_id: visitor,
    timestamp_micros: String(Date.now() * 1000),
    events: [
      { name: 'view_item', params: { currency: 'EUR', value: 49.9, items: [{ item_id: 'p1', item_name: 'Shoe', price: 49.9 }] } },
      { name: 'purchase', params: { transaction_id: `o-${visitor}`, currency: 'EUR', value: 49.9, items: [{ item_id: 'p1', price: 49.9 }] } },
    ],
  });
  const query = 'measurement_id=G-TEST&api_secret=s';
  const checked = await fetch(`${url}/debug/mp/collect?${query}`, { method: 'POST', body });
  assert.deepEqual(await checked.json(), { validationMessages: [] });
  const sent = await fetch(`${url}/mp/collect?${query}`, { method: 'POST', body });
  assert.equal(sent.status, 204);
  const rows = await eventually(() => eventsOf(visitor), (found) => found.length >= 2);
  assert.deepEqual(rows.map((row) => row.event_type).sort(), ['order_completed', 'product_viewed']);
  await idsOf(visitor);
});

test('GA4 gtag hits, in the query and in the lines of a body', async () => {
  const visitor = `${Date.now()}.${Math.floor(Math.random() * 1e9)}`;
  const shared = `v=2&tid=G-TEST&cid=${visitor}&sid=1&_p=7&dl=${encodeURIComponent('https://shop.example/p1')}`;
  const one = await fetch(`${url}/g/collect?${shared}&_s=1&en=page_view`, { method: 'POST' });
  assert.equal(one.status, 204);
  for (let i = 0; i < 2; ++i) {
    const batch = await fetch(`${url}/g/collect?${shared}&_s=2`, {
      method: 'POST',
      body: `en=view_item&pr1=idp1~nmShoe~pr49.9&cu=EUR\r\nen=purchase&ep.transaction_id=o-${visitor}&epn.value=49.9&cu=EUR&pr1=idp1~pr49.9`,
    });
    assert.equal(batch.status, 204);
  }
  const rows = await eventually(() => eventsOf(visitor), (found) => found.length >= 3);
  assert.deepEqual(rows.map((row) => row.event_type).sort(), ['order_completed', 'page_viewed', 'product_viewed']);
  const ids = await idsOf(visitor);
  // The second batch was the first one again: its items have the same ids.
  const again = () => sql(`select message_id from raw.events where verdict = 'duplicate' and message_id in ('${ids.join("','")}')`);
  assert.equal((await eventually(again, (found) => found.length >= 2)).length, 2);
});
