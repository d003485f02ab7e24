import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createQueue } from '../src/queue';
import { createTransport } from '../src/transport';
import { openBrowser } from './browser.mjs';

const item = (id, more = {}) => ({ messageId: String(id), timestamp: new Date().toISOString(), ...more });

function open(identify = async () => 'visitor-1', known = () => 'visitor-1') {
  const browser = openBrowser();
  const queue = createQueue();
  return { browser, queue, transport: createTransport('/v1/batch', 'key', queue, identify, known) };
}

test('a batch carries the write key, the time it was sent and the visitor, and leaves the queue', async () => {
  const { browser, queue, transport } = open();
  queue.add([item(1), item(2, { anonymousId: 'own' })]);
  await transport.flush();
  const [{ body, keepalive, headers }] = browser.requests;
  assert.equal(body.writeKey, 'key');
  assert.ok(Date.parse(body.sentAt));
  assert.deepEqual(body.batch.map((one) => one.anonymousId), ['visitor-1', 'own']);
  assert.equal(keepalive, true);
  assert.deepEqual(headers, { 'Content-Type': 'text/plain' });
  assert.deepEqual(queue.items(), []);
});

test('without an answer everything stays and is sent again with the same ids, ever later', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.method(Math, 'random', () => 0);
  const { browser, queue, transport } = open();
  browser.answer = () => null;
  queue.add([item(1)]);
  await transport.flush();
  const settle = async () => { for (let i = 0; i < 20; ++i) await Promise.resolve(); };
  for (const [delay, requests] of [[999, 1], [1, 2], [1999, 2], [1, 3], [3999, 3], [1, 4]]) {
    context.mock.timers.tick(delay);
    await settle();
    assert.equal(browser.requests.length, requests);
  }
  browser.answer = () => ({ status: 200 });
  await transport.flush();
  assert.equal(new Set(browser.items().map((one) => one.messageId)).size, 1);
  assert.deepEqual(queue.items(), []);
});

test('a server that is overloaded is asked again after the time that it gives', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.method(Math, 'random', () => 0);
  const { browser, queue, transport } = open();
  browser.answer = () => ({ status: 429, headers: { 'Retry-After': '7' } });
  queue.add([item(1)]);
  await transport.flush();
  // New items do not shorten the wait.
  transport.soon();
  context.mock.timers.tick(6999);
  assert.equal(browser.requests.length, 1);
  context.mock.timers.tick(1);
  for (let i = 0; i < 20; ++i) await Promise.resolve();
  assert.equal(browser.requests.length, 2);
  assert.equal(queue.items().length, 1);
});

test('answers: which keep the items and which do not', async () => {
  for (const [status, left] of [[200, 0], [400, 0], [401, 0], [403, 0], [404, 1], [408, 1], [429, 1], [500, 1], [503, 1]]) {
    mock.timers.enable({ apis: ['setTimeout'] });
    const { browser, queue, transport } = open();
    browser.answer = () => ({ status });
    queue.add([item(1)]);
    await transport.flush();
    assert.equal(queue.items().length, left, `after ${status}`);
    mock.timers.reset();
  }
});

test('a batch that is too large is cut until it fits; one item that is too large is given up', async () => {
  const { browser, queue, transport } = open();
  browser.answer = ({ body }) => ({ status: body.batch.length > 2 || body.batch.some((one) => one.huge) ? 413 : 200 });
  queue.add([item(1), item(2), item(3, { huge: true }), item(4), item(5)]);
  await transport.flush();
  assert.deepEqual(queue.items(), []);
  const taken = browser.requests.filter((one) => one.body.batch.length <= 2 && !one.body.batch.some((i) => i.huge));
  assert.deepEqual([...new Set(taken.flatMap((one) => one.body.batch.map((i) => i.messageId)))].sort(), ['1', '2', '4', '5']);
});

test('no request is larger than a browser sends for a page that goes away, unless one item is', async () => {
  const { browser, queue, transport } = open();
  queue.add(Array.from({ length: 30 }, (_, index) => item(index, { text: 'é'.repeat(4000) })));
  queue.add([item('large', { text: 'x'.repeat(70_000) })]);
  await transport.flush();
  assert.equal(browser.items().length, 31);
  for (const { body, keepalive } of browser.requests) {
    const bytes = Buffer.byteLength(JSON.stringify(body));
    assert.equal(keepalive, bytes < 60_000, `${bytes} bytes`);
    if (bytes >= 60_000) assert.equal(body.batch.length, 1);
  }
});

test('a page that goes away hands everything to the browser and forgets nothing', async () => {
  const { browser, queue, transport } = open();
  queue.add(Array.from({ length: 120 }, (_, index) => item(index)));
  transport.leave();
  assert.deepEqual(browser.beacons.map((one) => one.body.batch.length), [50, 50, 20]);
  assert.equal(browser.beacons[0].url, '/v1/batch?writeKey=key');
  assert.equal(queue.items().length, 120);
  browser.beaconTaken = false;
  transport.leave();
  assert.equal(browser.beacons.length, 3);
});

test('before the visitor is known a leaving page sends nothing under another id', () => {
  const { browser, queue, transport } = open(undefined, () => undefined);
  queue.add([item(1)]);
  transport.leave();
  assert.deepEqual(browser.beacons, []);
});
