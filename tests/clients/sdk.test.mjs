// The SDKs as their users install them, against the server at MILLRACE_URL.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Analytics } from '@segment/analytics-node';
import rudder from '@rudderstack/rudder-sdk-node';
import { eventually, get, url } from './millrace.mjs';

const RudderAnalytics = rudder.default ?? rudder;

async function ledgerTotal() {
  const { status, body } = await get('/v1/ledger');
  assert.equal(status, 200);
  return body.total;
}

function assertCloses(total) {
  const { received, accepted, duplicate, quarantined, suppressed, bot, consent_dropped: dropped } = total;
  assert.equal(received, accepted + duplicate + quarantined + suppressed + bot + dropped);
}

async function expectVisitor(id, events, orders) {
  const { body } = await eventually(
    () => get(`/v1/visitors/${encodeURIComponent(id)}`),
    ({ status, body: found }) => status === 200 && found.events >= events,
  );
  assert.equal(body.events, events);
  assert.equal(body.orders, orders);
}

const product = { product_id: 'sku-1', name: 'Shoe', category: 'shoes', price: 49.9, quantity: 1, currency: 'EUR' };

test('@segment/analytics-node delivers, and what it sent is counted once', async () => {
  const before = await ledgerTotal();
  const anonymousId = randomUUID();
  const failures = [];
  const analytics = new Analytics({ writeKey: 'wk', host: url, flushAt: 5, flushInterval: 100 });
  analytics.on('error', (error) => failures.push(error));
  analytics.identify({ anonymousId, userId: `u-${anonymousId}`, traits: { email: 'a@example.test' } });
  analytics.page({ anonymousId, name: 'Home', properties: { url: 'https://shop.example/', path: '/' } });
  for (const event of ['Product Viewed', 'Product Added']) analytics.track({ anonymousId, event, properties: product });
  for (let i = 0; i < 20; ++i) analytics.track({ anonymousId, event: 'Product Viewed', properties: product });
  analytics.track({
    anonymousId,
    event: 'Order Completed',
    properties: { order_id: `o-${anonymousId}`, revenue: '49.90', currency: 'EUR', products: [product] },
  });
  await analytics.closeAndFlush({ timeout: 15_000 });
  assert.deepEqual(failures, []);
  await expectVisitor(anonymousId, 25, 1);
  const after = await eventually(ledgerTotal, (total) => total.received >= before.received + 25);
  assert.equal(after.accepted, before.accepted + 25);
  assertCloses(after);
});

test('@rudderstack/rudder-sdk-node delivers, gzipped and plain', async () => {
  for (const gzip of [true, false]) {
    const before = await ledgerTotal();
    const anonymousId = randomUUID();
    const client = new RudderAnalytics('wk', { dataPlaneUrl: url, gzip, flushAt: 5, flushInterval: 100, logLevel: 'error' });
    for (let i = 0; i < 10; ++i) client.track({ anonymousId, event: 'Product Viewed', properties: product });
    client.page({ anonymousId, name: 'Home' });
    client.identify({ anonymousId, userId: `u-${anonymousId}`, traits: { plan: 'free' } });
    await client.flush();
    await expectVisitor(anonymousId, 12, 0);
    const after = await eventually(ledgerTotal, (total) => total.received >= before.received + 12);
    assert.equal(after.accepted, before.accepted + 12);
    assertCloses(after);
  }
});

test('a message that is sent again is a duplicate', async () => {
  const before = await ledgerTotal();
  const anonymousId = randomUUID();
  const body = JSON.stringify({
    batch: [{ type: 'track', event: 'Product Viewed', anonymousId, messageId: randomUUID(), properties: product }],
    sentAt: new Date().toISOString(),
    writeKey: 'wk',
  });
  for (let i = 0; i < 3; ++i) assert.equal((await fetch(`${url}/v1/batch`, { method: 'POST', body })).status, 200);
  const after = await eventually(ledgerTotal, (total) => total.received >= before.received + 3);
  assert.equal(after.accepted, before.accepted + 1);
  assert.equal(after.duplicate, before.duplicate + 2);
  await expectVisitor(anonymousId, 1, 0);
});

test('one bad item costs itself alone, and its sender is told where it is wrong', async () => {
  const before = await ledgerTotal();
  const anonymousId = randomUUID();
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('wk:').toString('base64')}` },
    body: JSON.stringify({ batch: [
      { type: 'track', event: 'Product Viewed', anonymousId, messageId: randomUUID() },
      { type: 'track', event: 'Product Viewed', userId: { not: 'a string' } },
    ] }),
  });
  assert.equal(response.status, 200);
  const answer = await response.json();
  assert.equal(answer.accepted, 1);
  assert.deepEqual(answer.items.map(({ index, verdict, reason, pointer }) => ({ index, verdict, reason, pointer })),
    [{ index: 1, verdict: 'quarantined', reason: 'invalid_type', pointer: '/userId' }]);
  const after = await eventually(ledgerTotal, (total) => total.received >= before.received + 2);
  assert.equal(after.quarantined, before.quarantined + 1);
  assertCloses(after);
});
