import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../src/index';
import { openBrowser } from './browser.mjs';

const GRANTED = { analytics: true, personalisation: true };

test('before a decision nothing leaves and nothing is stored; then it all arrives, as it was', async () => {
  const browser = openBrowser();
  const tag = load({ writeKey: 'key' });
  const product = { product_id: 'shoe-1', price: 89.9, currency: 'EUR' };
  tag.product(product);
  product.price = 1;
  tag.identify('u-1');
  browser.dispatch('pagehide');
  browser.dispatch('online');
  await tag.flush();
  assert.equal(browser.requests.length + browser.beacons.length, 0);
  assert.equal(browser.localStorage.values.size + browser.sessionStorage.values.size, 0);

  tag.consent(GRANTED);
  await tag.flush();
  const [viewed, identified] = browser.items();
  assert.equal(viewed.event, 'Product Viewed');
  assert.deepEqual(viewed.properties, { product_id: 'shoe-1', price: 89.9, currency: 'EUR' });
  assert.equal(viewed.anonymousId, 'visitor-1');
  assert.deepEqual(viewed.context.consent, { categoryPreferences: { analytics: true, personalisation: true, necessary: true } });
  assert.equal(viewed.context.page.path, '/shoes');
  assert.deepEqual(viewed.context.campaign, { source: 'news', name: 'spring' });
  assert.equal(viewed.context.userAgent, 'Test/1.0');
  assert.equal(identified.userId, 'u-1');
  assert.notEqual(viewed.messageId, identified.messageId);
});

test('a refusal drops what waited, what is stored and the cookie', async () => {
  const browser = openBrowser();
  const tag = load({ writeKey: 'key', consent: GRANTED });
  tag.identify('u-1');
  await tag.flush();
  assert.ok(browser.localStorage.values.size > 0);
  tag.consent({ analytics: false });
  tag.product({ product_id: 'a' });
  await tag.flush();
  assert.equal(browser.items().length, 1);
  assert.equal(browser.localStorage.values.size + browser.sessionStorage.values.size, 0);
  assert.deepEqual(browser.requests.filter((one) => one.method === 'DELETE').map((one) => one.path), ['/v1/id']);

  const other = openBrowser();
  const next = load({ writeKey: 'key' });
  next.product({ product_id: 'a' });
  next.consent({ analytics: false });
  await next.flush();
  assert.deepEqual(other.requests, []);
});

test('anonymous mode: the id ends with the page, nothing is stored, no cookie is asked for', async () => {
  const browser = openBrowser();
  const tag = load({ writeKey: 'key', anonymous: true });
  tag.product({ product_id: 'a' });
  await tag.flush();
  tag.consent({ analytics: false });
  tag.product({ product_id: 'b' });
  await tag.flush();
  const [first, second] = browser.items();
  assert.equal(first.anonymousId, second.anonymousId);
  assert.notEqual(first.anonymousId, 'visitor-1');
  assert.equal(first.context.consent, undefined);
  assert.deepEqual(second.context.consent.categoryPreferences, { analytics: false, necessary: true });
  assert.equal(browser.localStorage.values.size + browser.sessionStorage.values.size, 0);
  assert.ok(browser.requests.every((one) => one.path === '/v1/batch'));

  tag.consent({ analytics: true });
  tag.product({ product_id: 'c' });
  await tag.flush();
  assert.equal(browser.items().at(-1).anonymousId, 'visitor-1');
});

test('anonymous mode: whoever signs in is not named before they consent, nor after they refuse', async () => {
  const browser = openBrowser();
  const tag = load({ writeKey: 'key', anonymous: true });
  tag.identify('user-7', { email: 'ada@example.com' });
  tag.product({ product_id: 'a' });
  tag.consent({ analytics: false });
  tag.identify('user-7', { email: 'ada@example.com' });
  tag.product({ product_id: 'b' });
  await tag.flush();
  assert.deepEqual(browser.items().map((one) => [one.type, one.userId]), [['track', undefined], ['track', undefined]]);
  assert.doesNotMatch(JSON.stringify(browser.items()), /user-7|ada@/);
  tag.consent({ analytics: true });
  tag.product({ product_id: 'c' });
  await tag.flush();
  assert.equal(browser.items().at(-1).userId, 'user-7');
});

test('the id service is asked once a visit, and not again on its next page', async () => {
  const browser = openBrowser();
  for (let page = 0; page < 2; ++page) {
    const tag = load({ writeKey: 'key', consent: GRANTED });
    tag.page();
    tag.page();
    await tag.flush();
  }
  assert.equal(browser.requests.filter((one) => one.path === '/v1/id').length, 1);
  assert.deepEqual([...new Set(browser.items().map((one) => one.anonymousId))], ['visitor-1']);
});

test('a server without the id service leaves the id to this browser', async () => {
  const browser = openBrowser();
  browser.answer = ({ path }) => ({ status: path === '/v1/id' ? 404 : 200 });
  const tag = load({ writeKey: 'key', consent: GRANTED });
  tag.page();
  await tag.flush();
  const again = load({ writeKey: 'key', consent: GRANTED });
  browser.sessionStorage.values.clear();
  again.page();
  await again.flush();
  const [first, second] = browser.items();
  assert.equal(first.anonymousId, second.anonymousId);
});

test('an id service that does not answer holds the events back, and loses none', async () => {
  const browser = openBrowser();
  browser.answer = () => ({ status: 503 });
  const tag = load({ writeKey: 'key', consent: GRANTED });
  tag.page();
  await tag.flush();
  assert.equal(browser.items().length, 0);
  browser.answer = () => ({ status: 200, body: { anonymous_id: 'visitor-2' } });
  await tag.flush();
  assert.deepEqual(browser.items().map((one) => one.anonymousId), ['visitor-2']);
});

test('who signs out leaves nothing to who comes after', async () => {
  const browser = openBrowser();
  let visitors = 0;
  browser.answer = ({ method }) => ({ status: 200, body: { anonymous_id: method === 'POST' ? `visitor-${++visitors}` : '' } });
  const tag = load({ writeKey: 'key', consent: GRANTED });
  tag.identify('u-1');
  await tag.flush();
  tag.product({ product_id: 'a' });
  tag.reset();
  tag.product({ product_id: 'b' });
  await tag.flush();
  const [identified, before, after] = browser.items();
  assert.equal(before.anonymousId, identified.anonymousId);
  assert.equal(before.userId, 'u-1');
  assert.notEqual(after.anonymousId, identified.anonymousId);
  assert.equal(after.userId, undefined);
});

for (const status of [200, 404]) {
  test(`a reset while the id is asked for brings back nobody (${status})`, async () => {
    const browser = openBrowser();
    let asked = 0;
    const waiting = [];
    const quick = globalThis.fetch;
    browser.answer = ({ path, method }) =>
      path === '/v1/id' && method === 'POST' ? { status, body: { anonymous_id: `visitor-${++asked}` } } : { status: 200, body: {} };
    globalThis.fetch = async (at, options) => {
      if (options.method === 'POST' && at.endsWith('/v1/id') && !asked && !waiting.length) await new Promise((go) => waiting.push(go));
      return quick(at, options);
    };
    const tag = load({ writeKey: 'key', consent: GRANTED });
    tag.identify('u-1');
    const sent = tag.flush();
    await new Promise((go) => setTimeout(go));
    assert.equal(waiting.length, 1);
    tag.reset();
    tag.product({ product_id: 'b' });
    waiting[0]();
    await sent;
    await tag.flush();
    const [before, after] = browser.items();
    assert.equal(before.userId, 'u-1');
    assert.ok(before.anonymousId && before.anonymousId !== after.anonymousId);
    assert.notEqual(before.anonymousId, 'visitor-2');
    assert.equal(after.userId, undefined);
    if (status === 200) {
      assert.notEqual(after.anonymousId, 'visitor-1');
      assert.equal(after.anonymousId, 'visitor-2');
      assert.deepEqual(browser.requests.filter((one) => one.path === '/v1/id').map((one) => one.method), ['POST', 'DELETE', 'POST']);
    }
    assert.equal(browser.sessionStorage.getItem('millrace:id'), after.anonymousId);
  });
}

test('consent taken back and given again while the id is asked for makes another visitor', async () => {
  const browser = openBrowser();
  let asked = 0;
  browser.answer = ({ path, method }) => {
    if (path !== '/v1/id' || method !== 'POST') return { status: 200, body: {} };
    if (++asked === 1) {
      tag.consent({ analytics: false });
      tag.consent({ analytics: true });
    }
    return { status: 200, body: { anonymous_id: `visitor-${asked}` } };
  };
  const tag = load({ writeKey: 'key', consent: GRANTED });
  tag.product({ product_id: 'a' });
  await tag.flush();
  tag.product({ product_id: 'b' });
  await tag.flush();
  assert.equal(browser.items().at(-1).anonymousId, 'visitor-2');
});

test('the calls are the events that the vocabulary names', async () => {
  const browser = openBrowser();
  const tag = load({ writeKey: 'key', consent: GRANTED });
  const line = { product_id: 'a', price: 1, currency: 'EUR', quantity: 1 };
  const order = { order_id: 'o-1', currency: 'EUR', products: [line] };
  tag.search('tea');
  tag.productList([line], { list_id: 'l' });
  tag.productClick(line);
  tag.product(line);
  tag.addToCart(line, 'c-1');
  tag.removeFromCart(line, 'c-1');
  tag.cart({ cart_id: 'c-1', products: [line] });
  tag.checkout(order);
  tag.checkoutStep(2);
  tag.payment({ order_id: 'o-1' });
  tag.order(order);
  tag.refund({ order_id: 'o-1' });
  await tag.flush();
  assert.deepEqual(browser.items().map((one) => one.event), [
    'Products Searched', 'Product List Viewed', 'Product Clicked', 'Product Viewed', 'Product Added', 'Product Removed',
    'Cart Viewed', 'Checkout Started', 'Checkout Step Completed', 'Payment Info Entered', 'Order Completed', 'Order Refunded',
  ]);
  assert.deepEqual(browser.items()[4].properties, { cart_id: 'c-1', ...line });
  assert.deepEqual(browser.items()[10].properties, order);
});

test('recommendations are for the visitor only with their consent, and an absent server is an empty list', async () => {
  const browser = openBrowser();
  browser.answer = ({ path }) => ({
    status: 200, body: path === '/v1/id' ? { anonymous_id: 'visitor-1' } : { items: [{ product_id: 'b' }] },
  });
  const asked = () => new URL(browser.requests.at(-1).url, 'https://x').searchParams;
  const tag = load({ writeKey: 'key', consent: { analytics: true } });
  assert.deepEqual(await tag.recommend({ n: 3 }), [{ product_id: 'b' }]);
  assert.notEqual(asked().get('visitor'), 'visitor-1');
  tag.consent({ personalisation: true });
  await tag.recommend();
  assert.equal(asked().get('visitor'), 'visitor-1');
  await tag.recommend({ items: ['a', 'b'] });
  assert.equal(asked().get('items'), 'a,b');
  assert.equal(asked().get('visitor'), null);
  browser.answer = () => null;
  assert.deepEqual(await tag.recommend(), []);
  browser.answer = () => ({ status: 404 });
  assert.equal(await tag.offer(), null);
});

test('what cannot be sent as JSON does not throw into the shop', async (context) => {
  const errors = context.mock.method(console, 'error', () => {});
  const browser = openBrowser();
  const tag = load({ writeKey: 'key', consent: GRANTED });
  const circle = {};
  circle.self = circle;
  tag.track('Circle', circle);
  tag.page();
  await tag.flush();
  assert.equal(errors.mock.callCount(), 1);
  assert.equal(browser.items().length, 1);
});
