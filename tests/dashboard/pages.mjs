// The pages behind the overview: what each must show of the simulated day, and that the keyboard alone gets along.
import assert from 'node:assert/strict';
import { BOUGHT, view } from './shop_day.mjs';

export const PAGES = ['live', 'sources', 'ledger', 'quarantine', 'contracts', 'privacy'];
const FLOOD_MS = 50;
const FLOOD_ITEMS = 60;

export async function visitPages({ page, url, send, shows, until, day, sent }) {
  const open = async (name) => {
    await page.click(`.pages a:text-is("${name[0].toUpperCase()}${name.slice(1)}")`);
    await page.waitForSelector(`main.${name}`);
  };
  let tries = 0;
  const rowOf = (table, name) => page.locator(`${table} tbody tr:has(th:has-text("${name}"))`).first();
  const numbers = async (row) => (await row.locator('td.number').allInnerTexts()).map((text) => text.trim());

  await open('sources');
  await shows('.sources tbody th', 'default');
  await shows('.sources tbody .state', 'receiving');
  await until('the source is counted', async () => (await numbers(rowOf('.sources', 'default')))[0] === (sent() + day.duplicate + day.quarantined).toLocaleString('en-US'));
  const broken = await fetch(`${url}/v1/batch`, { method: 'POST', headers: { 'X-Write-Key': 'any' }, body: '{' });
  assert.equal(broken.status, 400);
  await until('a refused request is counted', async () => (await numbers(rowOf('.sources', 'default')))[6] === '1');
  await shows('.sources tbody tr', 'any page');
  await page.check('.connect input[value="curl"]', { force: true });
  await shows('.connect pre', `${url}/v1/track`);

  await open('ledger');
  await shows('.book tbody tr.total .state', 'closed');
  await until('the ledger adds up', async () => {
    const [received, accepted, duplicate, quarantined] = await numbers(page.locator('.book tr.total'));
    return [received, accepted, duplicate, quarantined].join() ===
      [sent() + day.duplicate + day.quarantined, sent(), day.duplicate, day.quarantined].map((n) => n.toLocaleString('en-US')).join();
  });
  assert.equal(await page.locator('.columns .column').count(), 60);
  await page.check('.account input[value="day"]', { force: true });
  await until('a day has hours', async () => (await page.locator('.columns .column').count()) === 24);

  await open('quarantine');
  await shows('.causes tbody th', 'missing_identity');
  await shows('.causes tbody th', 'unknown_type');
  await page.click('.causes button:text-is("unknown_type")');
  await until('only its items', async () => (await page.locator('.held tbody tr').count()) === 1);
  await page.click('.held tbody button');
  await shows('.inspect pre', '"bad-2"');
  await shows('.inspect code', '/type');

  // A rule repairs what is held back: first tried, then done.
  await page.click('.causes button:text-is("missing_identity")');
  await page.selectOption('.repair select', 'default');
  await page.fill('.repair input >> nth=0', '/anonymousId');
  await page.fill('.repair input >> nth=1', '"repaired"');
  await page.click('.repair button:text-is("Try")');
  await shows('.repair .said', '1 of the 1 shown fit their contract');
  await shows('.repair pre', '"repaired"');
  await page.click('.repair button:text-is("Send again")');
  await shows('.repair .said', '1 sent again: 1 accepted');

  await open('contracts');
  await shows('.agreed tbody th', 'order completed');
  await page.click('.agreed tbody button:text-is("order completed")');
  await shows('.schema pre', '"$schema"');
  await shows('.kinds tbody th', 'product viewed');
  await shows('.kinds tbody th', 'order completed');

  await open('privacy');
  await shows('.dropped tbody th', 'default');
  await until('what consent decided', async () => {
    const [received, stored, ...less] = await numbers(rowOf('.dropped', 'default'));
    return received !== '0' && stored !== '0' && less.slice(0, 3).join() === '0,0,0';
  });
  await page.fill('.suppress input', 'someone-else');
  await page.keyboard.press('Enter');
  await shows('.suppress .said', 'Nothing more of this person is taken.');
  await shows('.suppress .note', '1 person');
  await until('what they send is dropped', async () =>
    (await send([{ ...view(0), anonymousId: 'someone-else', messageId: `gone-${++tries}` }])).suppressed === 1);
  await page.fill('.suppress input', 'someone-else');
  await page.click('.suppress button:text-is("Lift")');
  await shows('.suppress .said', 'This person is followed again.');

  await open('live');
  await shows('.stream .state', 'following');
  await shows('.item b', 'product viewed');
  await page.selectOption('.tools select >> nth=1', 'quarantined');
  await until('only what was quarantined', async () => (await page.locator('.item').count()) === day.quarantined);
  await page.selectOption('.tools select >> nth=1', '');
  await page.fill('.tools input', 'order-1');
  await until('only what names the order', async () => (await page.locator('.item').count()) === 3);

  // The keyboard alone: into the list, down, and the item is beside what it became.
  await page.focus('.tools button');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'listbox');
  await page.keyboard.press('ArrowDown');
  await shows('.raw pre', '"Order Completed"');
  await shows('.canonical pre', '"order_completed"');
  await shows('.canonical pre', BOUGHT.name);
  await page.keyboard.press('ArrowDown');
  await shows('.raw pre', '"Payment Info Entered"');
  await page.fill('.tools input', '');

  // What "copy as curl" gives does send the item again: a duplicate.
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  await page.click('.raw button');
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, /^curl '.*\/v1\/batch' -u 'WRITE_KEY:'/);

  // Paused, the list holds still, and says what waits.
  await until('items again', async () => (await page.locator('.item').count()) > 50);
  await page.click('.tools button[name="pause"]');
  const before = await page.locator('.item >> nth=0').innerText();
  await send([{ ...view(1), messageId: 'while-paused' }]);
  await shows('.tools button[name="pause"]', '1 new');
  assert.equal(await page.locator('.item >> nth=0').innerText(), before);
  await page.click('.tools button[name="pause"]');

  // Twenty items a second: what is shown changes, and nothing else moves.
  await page.mouse.move(0, 0);
  await page.evaluate(() => (globalThis.shift = 0));
  let flood = 0;
  const requests = [];
  const feed = setInterval(() => requests.push(send([{ ...view(flood % 7), messageId: `flood-${++flood}` }])), FLOOD_MS);
  await until('the flood', () => flood >= FLOOD_ITEMS).finally(() => clearInterval(feed));
  await Promise.all(requests);
  await page.fill('.tools input', `flood-${flood}`);
  await until('its last item', async () => (await page.locator('.item').count()) === 1);
  await page.fill('.tools input', '');
  const shift = await page.evaluate(() => globalThis.shift);
  assert.ok(shift < 0.01, `the live page shifted by ${shift}`);
  // The repaired one, the one while paused, and those before the suppression took hold.
  return { command, items: flood + 2 + (tries - 1) };
}
