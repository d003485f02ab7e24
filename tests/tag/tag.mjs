// node tag.mjs CHROMIUM TEMPORARY_DIRECTORY SERVER_PID
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { openShop } from './shop.mjs';

const DEADLINE_MS = 20_000;
// Headless Chromium calls itself a bot, and would be counted as one.
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const THIRTEEN_MONTHS_S = 395 * 24 * 3600;
const [executablePath, temporary, serverPid] = process.argv.slice(2);

async function until(what, condition) {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not in ${DEADLINE_MS / 1000} s: ${what}`);
}

const port = await until('the server listens', () => {
  process.kill(Number(serverPid), 0);
  const file = join(temporary, 'port');
  return existsSync(file) && readFileSync(file, 'utf8').trim();
});
const millrace = `http://127.0.0.1:${port}`;
await until('the server is ready', async () => (await fetch(`${millrace}/readyz`).catch(() => undefined))?.ok);
const script = await fetch(`${millrace}/millrace.js`);
if (script.status === 404) {
  console.log('SKIP: this binary was built without the tag');
  process.exit(77);
}
assert.match(script.headers.get('cache-control'), /max-age=3600/);
assert.equal((await fetch(`${millrace}/millrace.js`, { headers: { 'If-None-Match': script.headers.get('etag') } })).status, 304);

const get = async (path) => (await fetch(millrace + path)).json();
const arrived = async (text) =>
  (await get(`/v1/events/recent?n=200&contains=${encodeURIComponent(text)}`)).items.filter((one) => one.verdict === 'accepted');
const arrives = (text, count = 1) =>
  until(`${count} item(s) with ${text}`, async () => {
    const items = await arrived(text);
    return items.length >= count && items;
  });
const sql = async (statement) => {
  const response = await fetch(`${millrace}/v1/sql`, { method: 'POST', body: JSON.stringify({ sql: statement }) });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).rows;
};
const ledger = async () => (await get('/v1/ledger?step=range')).total;

const shop = await openShop(port);
const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});
const complaints = [];

// A person with an empty browser; `query` is what the shop's tag is told.
async function visit(query, run) {
  const context = await browser.newContext({ userAgent: USER_AGENT });
  const open = async (path = '/page') => {
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${shop.url}${path}?${query}`);
    await page.waitForFunction(() => !Array.isArray(globalThis.millrace));
    return page;
  };
  try {
    await run({ context, open, page: await open() });
  } finally {
    await context.close();
  }
}

const call = (page, ...words) => page.evaluate((all) => globalThis.millrace.push(all), words);
const stored = (page) => page.evaluate(() => Object.keys(localStorage).concat(Object.keys(sessionStorage)));
const tried = (path) => shop.requests.filter((one) => one.path === path);

const cases = {
  async 'nothing leaves and nothing is stored before consent'() {
    const before = shop.requests.filter((one) => one.path !== '/millrace.js').length;
    await visit('early', async ({ context, open, page }) => {
      await call(page, 'product', { product_id: 'quiet-1' });
      await page.evaluate(() => globalThis.millrace.flush());
      await page.click('#next');
      await page.waitForURL('**/next*');
      await page.close();
      const again = await open();
      assert.deepEqual(await stored(again), []);
      assert.deepEqual(await context.cookies(), []);
      await call(again, 'product', { product_id: 'quiet-2' });
      await call(again, 'consent', { analytics: false });
      await again.evaluate(() => globalThis.millrace.flush());
      assert.deepEqual(await stored(again), []);
      assert.deepEqual(await context.cookies(), []);
    });
    assert.equal(shop.requests.filter((one) => one.path !== '/millrace.js').length, before);
    assert.deepEqual(await arrived('quiet-'), []);
  },

  async 'consent sends what waited, under an id that only the server can read'() {
    await visit('early', async ({ context, page }) => {
      await call(page, 'search', 'held-tea');
      await call(page, 'consent', { analytics: true, personalisation: true, marketing: false });
      const [item] = await arrives('held-tea');
      await arrives('early-1');
      const [cookie] = await context.cookies();
      assert.equal(cookie.name, 'millrace_id');
      assert.equal(cookie.httpOnly, true);
      assert.equal(cookie.sameSite, 'Lax');
      assert.ok(Math.abs(cookie.expires - Date.now() / 1000 - THIRTEEN_MONTHS_S) < 600);
      assert.equal(await page.evaluate(() => document.cookie), '');
      assert.equal(item.visitor_id, cookie.value.split('.')[0]);
      assert.equal(item.source, 'web');
      assert.deepEqual(JSON.parse(item.raw).context.consent.categoryPreferences,
        { analytics: true, personalisation: true, marketing: false, necessary: true });

      const answer = await page.evaluate(() => globalThis.millrace.recommend({ n: 3 }));
      assert.ok(Array.isArray(answer));
      assert.equal(await page.evaluate(() => globalThis.millrace.offer()), null);

      await call(page, 'consent', { analytics: false });
      await until('the cookie is gone', async () => (await context.cookies()).length === 0);
      assert.deepEqual(await stored(page), []);
    });
  },

  async 'a visit writes the cookie once, and its pages and tabs are one visitor'() {
    const before = tried('/v1/id').length;
    await visit('data-consent=analytics', async ({ context, open, page }) => {
      await call(page, 'product', { product_id: 'visit-1' });
      await arrives('visit-1');
      const [{ value }] = await context.cookies();
      await page.click('#next');
      await page.waitForURL('**/next*');
      await page.waitForFunction(() => !Array.isArray(globalThis.millrace));
      await call(page, 'product', { product_id: 'visit-2' });
      await call(await open(), 'product', { product_id: 'visit-3' });
      const visitors = new Set((await arrives('visit-', 3)).map((one) => one.visitor_id));
      assert.equal(visitors.size, 1);
      assert.equal((await context.cookies())[0].value, value);
    });
    // At most one of each tab: a tab that finds the cookie of the other one asks for nothing.
    const asked = tried('/v1/id').length - before;
    assert.ok(asked === 1 || asked === 2, `${asked} times`);
  },

  async 'an event of a page that is left at once arrives, and counts once'() {
    const before = await ledger();
    await visit('data-consent=analytics', async ({ page }) => {
      await call(page, 'page', 'Home');
      await arrives('"Home"');
      for (let turn = 0; turn < 3; ++turn) {
        await page.evaluate((at) => {
          globalThis.millrace.addToCart({ product_id: `leaving-${at}`, price: 3, currency: 'EUR', quantity: 1 });
          location.href = `/next?data-consent=analytics&turn=${at}`;
        }, turn);
        await page.waitForURL(`**turn=${turn}`);
        await page.waitForFunction(() => !Array.isArray(globalThis.millrace));
      }
      await arrives('leaving-', 3);
      await page.evaluate(() => globalThis.millrace.flush());
      assert.equal(await page.evaluate(() => localStorage.getItem('millrace:queue')), null);
    });
    const rows = async () => sql("select count(*) from conformed.events where event_type = 'product_added'");
    await until('the rows are there', async () => Number((await rows())[0][0]) >= 3);
    assert.equal(Number((await rows())[0][0]), 3);
    const after = await ledger();
    assert.equal(after.accepted - before.accepted, 4);
  },

  async 'the last page sends what it has, too'() {
    await visit('data-consent=analytics', async ({ page }) => {
      await call(page, 'page');
      await page.evaluate(() => globalThis.millrace.flush());
      await call(page, 'product', { product_id: 'last-1' });
      await page.close({ runBeforeUnload: true });
      await arrives('last-1');
    });
  },

  async 'offline events arrive once there is a network again, also from a page that was closed'() {
    await visit('data-consent=analytics', async ({ context, open, page }) => {
      await call(page, 'page');
      await page.evaluate(() => globalThis.millrace.flush());
      await context.setOffline(true);
      await call(page, 'product', { product_id: 'offline-1' });
      await page.evaluate(() => globalThis.millrace.flush());
      await context.setOffline(false);
      await arrives('offline-1');

      await context.setOffline(true);
      await call(page, 'product', { product_id: 'offline-2' });
      await page.close();
      await context.setOffline(false);
      await open();
      const [item] = await arrives('offline-2');
      assert.ok(Date.parse(item.at) > Date.parse(JSON.parse(item.raw).timestamp));
    });
  },

  async 'an answer that is lost makes a repetition, which counts once'() {
    await visit('data-consent=analytics', async ({ page }) => {
      shop.loseAnswers = 1;
      await call(page, 'order', {
        order_id: 'order-retried', currency: 'EUR', total: 20, products: [{ product_id: 'cup-1', price: 10, quantity: 2 }],
      });
      const sent = () => tried('/v1/batch').filter((one) => one.body.includes('order-retried'));
      await until('it is sent again', () => sent().length >= 2);
      const ids = sent().map((one) => JSON.parse(one.body).batch.find((i) => i.properties?.order_id).messageId);
      assert.equal(new Set(ids).size, 1);
      await until('the duplicate is seen', async () =>
        (await get('/v1/events/recent?verdict=duplicate&contains=order-retried')).items.length === 1);
    });
    const product = await until('the product is known', async () => {
      const found = await get('/v1/products/cup-1');
      return found.purchases > 0 && found;
    });
    assert.equal(product.purchases, 1);
    assert.equal(product.units_sold, 2);
  },

  async 'a purchase in the dataLayer becomes an order'() {
    await visit('data-data-layer', async ({ page }) => {
      await page.evaluate(() => {
        globalThis.dataLayer.push({ event: 'view_item', ecommerce: { currency: 'EUR', items: [{ item_id: 'gtm-1', price: 25 }] } });
        globalThis.dataLayer.push({ ecommerce: null });
        globalThis.dataLayer.push({
          event: 'purchase',
          ecommerce: {
            transaction_id: 'order-gtm', value: 50, tax: 8, shipping: 5, currency: 'EUR',
            items: [{ item_id: 'gtm-1', item_name: 'Kettle', item_category: 'kitchen', price: 25, quantity: 2 }],
          },
        });
        // eslint-disable-next-line no-undef
        gtag('consent', 'update', { analytics_storage: 'granted', ad_storage: 'denied' });
      });
      const [item] = await arrives('order-gtm');
      assert.equal(item.event, 'order_completed');
      assert.equal(item.canonical.order_id, 'order-gtm');
      assert.equal(item.canonical.revenue.amount, '50.00');
      assert.deepEqual(JSON.parse(item.raw).context.consent.categoryPreferences, { analytics: true, marketing: false, necessary: true });
    });
    const rows = await until('the order is a row', async () => {
      const found = await sql("select order_id, cast(order_net as varchar), cast(order_gross as varchar) from conformed.orders where order_id = 'order-gtm'");
      return found.length > 0 && found;
    });
    assert.equal(rows.length, 1);
    assert.equal(Number(rows[0][1]), 50);
    assert.equal(Number(rows[0][2]), 63);
  },

  async 'anonymous mode sends without a cookie, without storage, and asks nobody for an id'() {
    const before = tried('/v1/id').length;
    await visit('data-anonymous', async ({ context, open, page }) => {
      await call(page, 'product', { product_id: 'nameless-1' });
      await arrives('nameless-1');
      await call(await open(), 'product', { product_id: 'nameless-2' });
      const visitors = new Set((await arrives('nameless-', 2)).map((one) => one.visitor_id));
      assert.equal(visitors.size, 2);
      assert.deepEqual(await stored(page), []);
      assert.deepEqual(await context.cookies(), []);
    });
    assert.equal(tried('/v1/id').length, before);
  },

  async 'as a module, with pages counted by itself'() {
    const context = await browser.newContext({ userAgent: USER_AGENT });
    const page = await context.newPage();
    await page.goto(`${shop.url}/module`);
    await page.waitForFunction(() => document.title === 'sent');
    await page.evaluate(() => history.pushState({}, '', '/module/inside'));
    await arrives('order-module');
    await arrives('/module/inside');
    assert.equal((await arrived('"type":"page"')).filter((one) => one.raw.includes('/module')).length, 2);
    await context.close();
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  const started = Date.now();
  try {
    await run();
    console.log(`ok ${Date.now() - started} ms: ${name}`);
  } catch (error) {
    ++failed;
    console.error(`FAILED: ${name}\n`, error);
  }
}
try {
  assert.deepEqual(complaints, []);
  const total = await ledger();
  const { received, consent, ...verdicts } = total;
  assert.equal(Object.values(consent).reduce((sum, one) => sum + one, 0), total.accepted + total.duplicate + total.bot + total.consent_dropped);
  assert.equal(Object.values(verdicts).reduce((sum, one) => sum + one, 0), received);
  assert.equal(total.quarantined, 0);
  console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed; ledger: ${JSON.stringify(total)}`);
} catch (error) {
  ++failed;
  console.error(error);
}
await browser.close();
shop.close();
process.exitCode = failed ? 1 : 0;
