// Webhooks signed as Shopify and others sign them, and what becomes of an order that several sources tell of.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventsOf, eventually, idsOf, sql, url } from './millrace.mjs';

const SECRET = 'shopify-secret';

async function shopify(topic, body, { secret = SECRET, id = randomUUID() } = {}) {
  const text = JSON.stringify(body);
  const response = await fetch(`${url}/webhooks/shopify/hooks`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-shopify-topic': topic,
      'x-shopify-shop-domain': 'test.myshopify.com',
      'x-shopify-webhook-id': id,
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(text).digest('base64'),
    },
    body: text,
  });
  return response.status;
}

function order(id, visitor) {
  return {
    id, currency: 'EUR', created_at: new Date().toISOString(), total_price: '30.00', subtotal_price: '30.00',
    customer: { id: `c-${id}` }, note_attributes: visitor ? [{ name: 'anonymousId', value: visitor }] : [],
    line_items: [{ product_id: 'p1', title: 'Shoe', price: '10.00', quantity: 3 }], refunds: [],
  };
}

const versions = (id) => sql(`select version, status, source, lines, order_net::varchar as order_net
  from conformed.orders where order_id = '${id}' order by version`);

test('an order by webhook is believed over the browser, and its refund joins it', async () => {
  const id = String(Date.now());
  const visitor = randomUUID();
  const told = await fetch(`${url}/v1/track`, {
    method: 'POST',
    body: JSON.stringify({
      writeKey: 'wk', event: 'Order Completed', anonymousId: visitor, messageId: randomUUID(),
      properties: { order_id: id, revenue: 25, currency: 'EUR', products: [{ product_id: 'p1', price: 12.5, quantity: 2 }] },
    }),
  });
  assert.equal(told.status, 200);
  await eventually(() => versions(id), (rows) => rows.length === 1);
  assert.equal(await shopify('orders/create', order(id, visitor)), 200);
  const [, second] = await eventually(() => versions(id), (rows) => rows.length === 2);
  assert.equal(second.source, 'shopify');
  assert.equal(Number(second.order_net), 30);
  assert.equal(await shopify('refunds/create', {
    id: 1, order_id: id, created_at: new Date().toISOString(),
    refund_line_items: [{ quantity: 1, line_item: { product_id: 'p1', price: '10.00' } }],
    transactions: [{ kind: 'refund', status: 'success', amount: '10.00', currency: 'EUR' }],
  }), 200);
  const [, , third] = await eventually(() => versions(id), (rows) => rows.length === 3);
  assert.equal(Number(third.order_net), 20);
});

test('a delivery that comes again counts once, and one that is not signed right not at all', async () => {
  const id = `again-${Date.now()}`;
  const visitor = randomUUID();
  for (let i = 0; i < 3; ++i) assert.equal(await shopify('carts/update', { id, token: id, line_items: [], ...order(id, visitor) }, { id }), 200);
  assert.equal(await shopify('orders/create', order(id, visitor), { secret: 'wrong' }), 401);
  const rows = await eventually(() => eventsOf(visitor), (found) => found.length >= 1);
  assert.deepEqual(rows.map((row) => row.event_type), ['cart_viewed']);
  assert.deepEqual(await idsOf(visitor), [`shopify:${id}`]);
});

test('anybody\'s signed JSON by a mapping file', async () => {
  const visitor = randomUUID();
  const text = JSON.stringify({ rows: [{ kind: 'paid', who: visitor, no: `w-${visitor}`, sum: '12,50', goods: [{ sku: 'p9', n: 2 }] }] });
  const response = await fetch(`${url}/webhooks/json/ware`, {
    method: 'POST',
    headers: { 'x-signature': createHmac('sha256', 'ware-secret').update(text).digest('hex') },
    body: text,
  });
  assert.equal(response.status, 200);
  const [row] = await eventually(() => eventsOf(visitor), (found) => found.length >= 1);
  assert.equal(row.event_type, 'order_completed');
  assert.equal(row.order_id, `w-${visitor}`);
  assert.equal(row.product_id, 'p9');
  await idsOf(visitor);
});
