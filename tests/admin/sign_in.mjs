// node sign_in.mjs CHROMIUM PROFILE URL TOKEN: the dashboard asks for a token, takes one, works (its stream too), and signs out.
import assert from 'node:assert/strict';
import { chromium } from '../dashboard/node_modules/playwright-core/index.mjs';

const [executablePath, profile, url, token] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true, ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 },
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(asked.filter((path) => path.startsWith('/v1/') && path !== '/v1/admin/session'), [], 'nothing is asked in vain');
  await page.getByLabel('Token').fill('mr_wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'unknown, revoked or has expired' }).waitFor();
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('header .states').filter({ hasText: 'Live' }).waitFor();
  await page.getByText('test-operator').waitFor();
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script reads the session');
  assert.equal(await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length), 0);
  await page.goto(`${url}/#/live`);
  await page.locator('main.live .card').first().waitFor();
  await page.goto(`${url}/#/sources`);
  await page.getByText('2/s, 5 at once').waitFor();
  await page.goto(`${url}/#/privacy`);
  const suppressed = await page.evaluate(async () => (await fetch('/v1/privacy/suppressions/somebody', { method: 'PUT' })).status);
  assert.equal(suppressed, 200, 'a change by a page of its own');
  await page.reload();
  await page.locator('header .states').filter({ hasText: 'Live' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(await page.evaluate(async () => (await fetch('/v1/status')).status), 401);
  assert.equal((await context.cookies()).length, 0);
} finally {
  await context.close();
}
