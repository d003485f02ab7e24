// node dashboard.mjs CHROMIUM TEMPORARY_DIRECTORY SERVER_PID PICTURES [dist]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { PAGES, visitPages } from './pages.mjs';
import { BOUGHT, shopDay, SHOPPERS, view } from './shop_day.mjs';

const DEADLINE_MS = 30_000;
const LIVE_UPDATES = 40;
const UPDATE_EVERY_MS = 50;
const SHIFT_MAX = 0.05;
const TABS_MAX = 30;
const SIZES = [[1440, 900], [1024, 768], [390, 844]];
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

const [executablePath, temporary, serverPid, pictures, from] = process.argv.slice(2);
const dist = join(dirname(fileURLToPath(import.meta.url)), '../../web/dashboard/dist');

async function until(what, condition) {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not in ${DEADLINE_MS / 1000} s: ${what}`);
}

// Runs in the page: figures that do not fit their column, and fields too narrow to type in.
function cutShort() {
  const shown = [...document.querySelectorAll('td.number, input:not([type="radio"], [type="checkbox"])')].filter((one) => one.offsetParent);
  return shown
    .filter((one) => (one.tagName === 'INPUT' ? one.clientWidth < 60 : one.scrollWidth > one.clientWidth + 1))
    .map((one) => one.textContent || one.placeholder);
}

function serverRuns() {
  try {
    return process.kill(Number(serverPid), 0);
  } catch {
    return false;
  }
}

const port = await until('the server listens', () => {
  if (!serverRuns()) throw new Error('the server ended');
  const file = join(temporary, 'port');
  return existsSync(file) && readFileSync(file, 'utf8').trim();
});
const url = `http://127.0.0.1:${port}`;
await until('the server is ready', async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok);

async function send(items) {
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ batch: items }),
  });
  assert.equal(response.status, 200);
  return response.json();
}

const hasFeed = (await fetch(`${url}/v1/events/recent`)).ok;

// A binary that was built without the page is tested with the page as it was built last, under the same policy.
const front = await fetch(url);
const policy = front.headers.get('content-security-policy');
const embedded = from !== 'dist' && (await front.text()).includes('id="page"');
if (!embedded && !existsSync(join(dist, 'index.html'))) {
  console.log('SKIP: no dashboard in the binary, and web/dashboard/dist is not built');
  process.exit(77);
}

async function serveDist(page) {
  await page.route((at) => !at.pathname.startsWith('/v1/') && !['/readyz', '/openapi.json'].includes(at.pathname), (route) => {
    const path = new URL(route.request().url()).pathname;
    const file = join(dist, path === '/' ? 'index.html' : path);
    if (!existsSync(file)) return route.fulfill({ status: 404 });
    return route.fulfill({
      body: readFileSync(file), contentType: TYPES[extname(file)], headers: { 'Content-Security-Policy': policy },
    });
  });
}

const context = await chromium.launchPersistentContext(join(temporary, 'profile'), {
  executablePath,
  headless: true,
  viewport: { width: 1440, height: 900 },
  colorScheme: 'light',
  locale: 'en-US',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});

async function run() {
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(DEADLINE_MS);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  if (!embedded) await serveDist(page);
  await page.addInitScript(() => {
    globalThis.shift = 0;
    globalThis.shifts = [];
    globalThis.changes = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        globalThis.shift += entry.value;
        const what = entry.sources?.map((source) => source.node?.className || source.node?.nodeName).join(' ');
        globalThis.shifts.push(`${entry.value.toFixed(4)} at ${Math.round(entry.startTime)} ms: ${what}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  const text = (selector) => page.locator(selector).innerText();
  const shows = (selector, expected) =>
    page.waitForFunction(
      ([where, what]) => [...document.querySelectorAll(where)].some((element) => element.textContent.includes(what)),
      [selector, expected],
    );

  await page.goto(url);
  await shows('.rate .first', `curl ${url}/v1/batch`);
  await shows('.top .states', 'Live');
  await shows('.top .states', 'Ready');

  const day = shopDay();
  let refused = 0;
  for (const batch of day.batches) refused += (await send(batch)).quarantined;
  assert.equal(refused, day.quarantined);
  await shows('.ledger .big b', String(day.accepted));
  await page.waitForFunction(() => !document.querySelector('.rate .first'));
  const verdict = (name) => text(`.verdicts div:has(dt.${name}) dd >> nth=0`);
  assert.equal(await verdict('accepted'), String(day.accepted));
  assert.equal(await verdict('duplicate'), String(day.duplicate));
  assert.equal(await verdict('quarantined'), String(day.quarantined));
  await shows('.ledger .note', 'closed');
  assert.doesNotMatch(await text('.ledger .note'), /not closed/);

  const step = (name) => `.steps tbody tr:has(th:text-is("${name}")) td >> nth=1`;
  const stepShows = (name, sessions) => until(`${name} shows ${sessions}`, async () => (await text(step(name))) === String(sessions));
  await stepShows('landing', SHOPPERS);
  await stepShows('product view', SHOPPERS);
  await stepShows('add to cart', SHOPPERS / 5);
  await stepShows('purchase', 1);
  await shows('.parts tbody th', 'paid');

  await shows('.products tbody th', BOUGHT.name);
  await shows('.products tbody td', '€180');
  await shows('.trending tbody th', BOUGHT.name);
  await shows('.sessions tbody td', 'purchase');

  // The keyboard alone reaches the switch and turns it.
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('name'));
  for (let tabs = 0; tabs < TABS_MAX && (await focused()) !== 'funnel-by'; ++tabs) await page.keyboard.press('Tab');
  assert.equal(await focused(), 'funnel-by');
  await page.keyboard.press('ArrowRight');
  await shows('.parts tbody th', 'mobile');

  // Events keep coming until the number has changed often: nothing may move meanwhile.
  await page.evaluate(() => {
    const number = document.querySelector('.ledger .big b');
    new MutationObserver(() => ++globalThis.changes).observe(number, { characterData: true, childList: true, subtree: true });
  });
  let sent = day.accepted;
  const waiting = [];
  const feed = setInterval(() => {
    waiting.push(send([{ ...view(sent % SHOPPERS), messageId: `more-${sent}` }]));
    ++sent;
  }, UPDATE_EVERY_MS);
  await page
    .waitForFunction((updates) => globalThis.changes >= updates, LIVE_UPDATES)
    .finally(() => clearInterval(feed));
  await Promise.all(waiting);
  await shows('.ledger .big b', sent.toLocaleString('en-US'));
  const shift = await page.evaluate(() => globalThis.shift);
  assert.ok(shift < SHIFT_MAX, `the layout shifted by ${shift}:\n${(await page.evaluate(() => globalThis.shifts)).join('\n')}`);
  assert.deepEqual(complaints, []);
  if (hasFeed) {
    const made = await visitPages({ page, url, send, shows, until, day, sent: () => sent });
    // The command as a person would run it.
    execFileSync('bash', ['-c', made.command], { stdio: 'pipe' });
    sent += made.items;
    await until('the copied command made a duplicate', async () =>
      (await (await fetch(`${url}/v1/ledger?step=range`)).json()).total.duplicate === day.duplicate + 1);
  }
  assert.deepEqual(complaints, []);
  for (const name of ['overview', ...(hasFeed ? PAGES : [])]) {
    await page.goto(`${url}/#/${name === 'overview' ? '' : name}`);
    await shows('.top .states', 'Live');
    await page.waitForFunction(() => !document.querySelector('.stream .state') || document.querySelector('.stream .state.good'));
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${name} is ${wide} wide in a window of ${width}`);
        assert.deepEqual(await page.evaluate(cutShort), [], `cut short on ${name} at ${width}`);
        await picture(`${name}-${width}-${colorScheme}`);
      }
    }
  }
  await page.goto(`${url}/#/`);

  process.kill(Number(serverPid), 'SIGTERM');
  await shows('.gone', 'does not answer');
  await shows('.top .states', 'Reconnecting');
  console.log(`passed: ${sent} events, layout shift ${shift.toFixed(4)}, ${embedded ? 'embedded page' : 'page of dist'}`);
}

try {
  await run();
} catch (error) {
  console.error(error);
  await context.pages()[0]?.screenshot({ path: join(pictures, 'failed.png') }).catch(() => undefined);
  process.exitCode = 1;
} finally {
  await context.close();
}
