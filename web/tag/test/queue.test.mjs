import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGE_MAX_MS, BYTES_MAX, createQueue, ITEMS_MAX } from '../src/queue';
import { openBrowser } from './browser.mjs';

const item = (id, more = {}) => ({ messageId: String(id), timestamp: new Date().toISOString(), ...more });
const ids = (queue) => queue.items().map((one) => one.messageId);

test('what is kept survives the page, and what was answered leaves', () => {
  openBrowser();
  const queue = createQueue();
  queue.keep(true);
  queue.add([item(1), item(2), item(3)]);
  queue.remove([item(2)]);
  const next = createQueue();
  assert.deepEqual(ids(next), []);
  next.keep(true);
  assert.deepEqual(ids(next), ['1', '3']);
});

test('nothing is stored until it may be, and then nothing is lost', () => {
  const browser = openBrowser();
  const queue = createQueue();
  queue.add([item(1)]);
  assert.equal(browser.localStorage.values.size, 0);
  queue.keep(true);
  queue.add([item(2)]);
  assert.deepEqual(ids(queue), ['1', '2']);
  assert.match(browser.localStorage.getItem('millrace:queue'), /"1"/);
});

test('a refusal takes what is stored away, from an earlier page too', () => {
  const browser = openBrowser();
  const earlier = createQueue();
  earlier.keep(true);
  earlier.add([item(1)]);
  const queue = createQueue();
  queue.keep(false);
  assert.equal(browser.localStorage.values.size, 0);
  earlier.keep(false);
  assert.deepEqual(ids(earlier), []);
});

test('the oldest leave past the number, the bytes and the age', () => {
  openBrowser();
  const queue = createQueue();
  queue.keep(true);
  queue.add(Array.from({ length: ITEMS_MAX + 50 }, (_, index) => item(index)));
  assert.equal(queue.items().length, ITEMS_MAX);
  assert.equal(ids(queue)[0], '50');

  queue.remove(queue.items());
  queue.add(Array.from({ length: 60 }, (_, index) => item(index, { text: 'x'.repeat(10_000) })));
  assert.ok(JSON.stringify(queue.items()).length <= BYTES_MAX);
  assert.equal(ids(queue).at(-1), '59');
  assert.ok(queue.items().length > 30);

  queue.remove(queue.items());
  queue.add([item('old', { timestamp: new Date(Date.now() - AGE_MAX_MS - 1000).toISOString() }), item('new')]);
  assert.deepEqual(ids(queue), ['new']);
  queue.add([item('huge', { text: 'x'.repeat(BYTES_MAX) })]);
  assert.deepEqual(ids(queue), []);
});

test('a browser that stores nothing costs only what comes after the page', () => {
  const browser = openBrowser();
  browser.localStorage.full = true;
  const queue = createQueue();
  queue.keep(true);
  queue.add([item(1)]);
  queue.add([item(2)]);
  assert.deepEqual(ids(queue), ['1', '2']);
  queue.remove([item(1)]);
  assert.deepEqual(ids(queue), ['2']);
});

test('a disk that fills up doubles nothing: what lies there stays, the rest waits in memory', () => {
  const browser = openBrowser();
  const queue = createQueue();
  queue.keep(true);
  queue.add(Array.from({ length: 200 }, (_, index) => item(index)));
  browser.localStorage.full = true;
  for (let index = 200; index < 210; ++index) queue.add([item(index)]);
  assert.deepEqual(ids(queue), Array.from({ length: 210 }, (_, index) => String(index)));
  const next = createQueue();
  next.keep(true);
  assert.equal(next.items().length, 200);
  queue.remove(queue.items().slice(0, 205));
  assert.deepEqual(ids(queue), ['205', '206', '207', '208', '209']);
  browser.localStorage.full = false;
  queue.add([item(210)]);
  const last = createQueue();
  last.keep(true);
  assert.deepEqual(ids(last), ['205', '206', '207', '208', '209', '210']);
});

test('what others wrote into our storage is not sent', () => {
  const browser = openBrowser();
  for (const value of ['', '{', 'null', '7', '"x"', '[1,null,{"a":1}]', '{"messageId":"1"}']) {
    browser.localStorage.setItem('millrace:queue', value);
    const queue = createQueue();
    queue.keep(true);
    assert.deepEqual(queue.items(), [], value);
    queue.add([item('mine')]);
    assert.deepEqual(ids(queue), ['mine']);
  }
});

test('two tabs share one queue', () => {
  openBrowser();
  const [one, two] = [createQueue(), createQueue()];
  one.keep(true);
  two.keep(true);
  one.add([item('a')]);
  two.add([item('b')]);
  assert.deepEqual(ids(one), ['a', 'b']);
  two.remove([item('b')]);
  assert.deepEqual(ids(one), ['a']);
});

test('what a tab writes that has not heard of the other one yet takes nothing from it', () => {
  const browser = openBrowser();
  const [one, two] = [createQueue(), createQueue()];
  one.keep(true);
  two.keep(true);
  one.add([item('a')]);
  browser.localStorage.setItem('millrace:queue', '[]');
  two.add([item('b')]);
  assert.doesNotMatch(browser.localStorage.getItem('millrace:queue'), /"a"/);
  assert.deepEqual(ids(one), ['b', 'a']);
  one.add([item('c')]);
  assert.deepEqual(ids(two), ['b', 'a', 'c']);
  one.remove(one.items());
  assert.deepEqual(ids(one), []);
});
