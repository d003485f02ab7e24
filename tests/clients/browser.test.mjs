// The clients for browsers as a page bundles them, in headless Chromium, from a page of another origin than the server at
// MILLRACE_URL. Skipped where there is no Chromium.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { eventsOf, eventually, url } from './millrace.mjs';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const skip = executablePath ? false : 'chromium is not installed';
const PAGE_DEADLINE_MS = 30_000;

let browser;
let site;
let origin;
const scripts = new Map();

before(async () => {
  if (skip) return;
  for (const name of ['segment', 'rudder', 'snowplow', 'jitsu']) {
    const { outputFiles } = await build({
      entryPoints: [new URL(`./pages/${name}.mjs`, import.meta.url).pathname],
      bundle: true, write: false, format: 'iife', platform: 'browser', logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    });
    scripts.set(`/${name}.js`, outputFiles[0].text);
  }
  site = createServer((request, response) => {
    const path = new URL(request.url, 'http://page').pathname;
    const script = scripts.get(path);
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(script ?? `<!doctype html><title>Shoe</title><script src="${path}.js"></script>`);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${site.address().port}`;
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  site?.close();
});

// Opens the page, runs what it exposes as window.shop(server, options), and returns the visitor's id that it tells.
async function visit(name, options = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_DEADLINE_MS);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  const requests = [];
  page.on('request', (request) => {
    if (request.url().startsWith(url)) requests.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
  await page.goto(`${origin}/${name}?utm_source=news&gclid=1`);
  const visitor = await page.evaluate(([server, given]) => window.shop(server, given), [url, options]);
  return { page, context, visitor, complaints, requests };
}

const EXPECTED = ['order_completed', 'page_viewed', 'product_added', 'product_viewed'];

async function expectPurchase(visitor, order) {
  const rows = await eventually(() => eventsOf(visitor), (found) => found.length >= EXPECTED.length);
  assert.deepEqual(rows.map(({ event_type: type }) => type).sort(), EXPECTED);
  const bought = rows.find(({ event_type: type }) => type === 'order_completed');
  assert.equal(bought.order_id, order);
  assert.equal(bought.product_id, 'p1');
  assert.equal(bought.currency, 'EUR');
}

for (const strategy of ['standard', 'batching']) {
  test(`@segment/analytics-next, ${strategy}`, { skip }, async () => {
    const order = `seg-${strategy}`;
    const { context, visitor, complaints, requests } = await visit('segment', { strategy, order });
    await expectPurchase(visitor, order);
    assert.deepEqual(complaints, []);
    assert.ok(requests.includes('GET /v1/projects/wk/settings'));
    await context.close();
  });
}

for (const [kind, options] of Object.entries({
  single: {}, batch: { batch: true }, beacon: { beacon: true },
})) {
  test(`@rudderstack/analytics-js, ${kind}`, { skip }, async () => {
    const order = `rudder-${kind}`;
    const { page, context, visitor, complaints, requests } = await visit('rudder', { ...options, order });
    await page.close({ runBeforeUnload: true });
    await expectPurchase(visitor, order);
    assert.deepEqual(complaints, []);
    assert.ok(requests.some((request) => request.startsWith('GET /sourceConfig')));
    await context.close();
  });
}

for (const method of ['post', 'get']) {
  test(`@snowplow/browser-tracker with the e-commerce plugin, ${method}`, { skip }, async () => {
    const order = `snow-${method}`;
    const { context, visitor, complaints } = await visit('snowplow', { method, order });
    await expectPurchase(visitor, order);
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test('@snowplow/browser-tracker in anonymous mode leaves no cookie and no address', { skip }, async () => {
  const { context, complaints, requests } = await visit('snowplow', { method: 'post', order: 'anon', anonymous: true });
  await eventually(async () => requests, (seen) => seen.some((request) => request.startsWith('POST')));
  assert.deepEqual(await context.cookies(url), []);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('@jitsu/js', { skip }, async () => {
  const { context, visitor, complaints } = await visit('jitsu', { order: 'jitsu-1' });
  await expectPurchase(visitor, 'jitsu-1');
  assert.deepEqual(complaints, []);
  await context.close();
});
