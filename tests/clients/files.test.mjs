// `millrace import` and `millrace tail`, as a person runs them, against the server at MILLRACE_URL.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventsOf, eventually, sql, url } from './millrace.mjs';

const binary = process.env.MILLRACE_BINARY;
const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function start(...args) {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => { output += chunk; });
  child.stderr.on('data', (chunk) => { output += chunk; });
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })));
  return { child, ended };
}

test('import of CSV and JSON lines, and again without counting twice', async () => {
  const run = randomUUID();
  writeFileSync(join(directory, 'map.toml'), `
group = "/no"
time = "/at"
[events]
order = "order_completed"
[fields]
message_id = "/no"
order_id = "/no"
user_id = "/who"
currency = "/money"
[lines]
product_id = "/sku"
quantity = "/n"
price = "/each"
`);
  const now = new Date().toISOString();
  writeFileSync(join(directory, 'a.csv'), `no,who,at,money,sku,n,each\n1-${run},${run},${now},EUR,p1,2,5.00\n1-${run},${run},${now},EUR,p2,1,"7,50"\n`);
  writeFileSync(join(directory, 'b.jsonl'), `${JSON.stringify({ no: `2-${run}`, who: run, at: now, money: 'EUR', sku: 'p1', n: 1, each: 5 })}\n`);
  for (let i = 0; i < 2; ++i) {
    const { code, output } = await start('import', join(directory, 'a.csv'), join(directory, 'b.jsonl'),
      '--mapping', join(directory, 'map.toml'), '--to', url).ended;
    assert.equal(code, 0, output);
    assert.match(output, /2 items acknowledged: 2 accepted, 0 quarantined/);
  }
  const rows = await eventually(() => sql(`select order_id, order_net::varchar as net from curated.orders where user_id = '${run}' order by order_id`),
    (found) => found.length === 2);
  assert.deepEqual(rows.map((row) => Number(row.net)), [17.5, 5]);
  assert.equal((await eventsOf(run)).length, 2);
});

test('tail follows a log across rotation and a restart, each line once', async () => {
  const log = join(directory, 'access.log');
  const run = randomUUID();
  const stamp = () => {
    const [, day, month, year, time] = /(\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date().toUTCString());
    return `${day}/${month}/${year}:${time} +0000`;
  };
  let written = 0;
  const write = (path, count) => {
    for (let i = 0; i < count; ++i) {
      appendFileSync(path, `203.0.113.9 - ${run} [${stamp()}] "GET /p/${written++} HTTP/1.1" 200 5 "-" "Mozilla ${run}"\n`);
    }
    appendFileSync(path, `203.0.113.9 - - [${stamp()}] "GET /x.js HTTP/1.1" 200 5 "-" "-"\nnonsense\n`);
  };
  const args = ['tail', log, '--to', url, '--site', 'https://shop.example', '--position', join(directory, 'position'), '--from-start'];
  const pages = () => sql(`select count(*)::int as n, count(distinct page_path)::int as d from conformed.events where user_id = '${run}'`);
  const seen = async (count) => {
    const [row] = await eventually(pages, ([found]) => Number(found.n) >= count);
    assert.deepEqual([Number(row.n), Number(row.d)], [count, count]);
  };
  write(log, 3);
  let tail = start(...args);
  await seen(3);
  renameSync(log, `${log}.1`);
  write(`${log}.1`, 2);
  write(log, 2);
  await seen(7);
  tail.child.kill('SIGKILL');
  await tail.ended;
  write(log, 4);
  tail = start(...args);
  await seen(11);
  tail.child.kill('SIGTERM');
  const { code, output } = await tail.ended;
  assert.equal(code, 0, output);
  assert.match(output, /1 unreadable/);
});
