// Starts `millrace serve` on a free port with a directory of its own, runs the client tests against it, ends it.
//
//   node run.mjs PATH_TO_MILLRACE
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 30_000;

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node run.mjs PATH_TO_MILLRACE');
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'millrace-clients-'));
const portFile = join(directory, 'port');
writeFileSync(join(directory, 'warehouse.toml'), `
items = "/rows"
event = "/kind"
[events]
paid = "order_completed"
[fields]
anonymous_id = "/who"
order_id = "/no"
total = "/sum"
[lines]
array = "/goods"
product_id = "/sku"
quantity = "/n"
`);
writeFileSync(join(directory, 'millrace.toml'), `
[[source]]
name = "shopify"
write_key = "hooks"
secret = "shopify-secret"
precedence = 9
[[source]]
name = "warehouse"
write_key = "ware"
secret = "ware-secret"
mapping = "${join(directory, 'warehouse.toml')}"
`);
const server = spawn(binary, ['serve', '--config', join(directory, 'millrace.toml'), '--data', join(directory, 'data'), '--port', '0', '--port-file', portFile], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
let exited = false;
const ended = new Promise((resolve) => server.on('exit', (code, signal) => {
  exited = true;
  resolve(code ?? signal);
}));
server.on('error', (error) => {
  console.error(`cannot start ${binary}: ${error.message}`);
  process.exit(1);
});

async function until(condition, deadlineMs) {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

const port = await until(() => {
  if (exited) return 'gone';
  return existsSync(portFile) && readFileSync(portFile, 'utf8').trim();
}, START_DEADLINE_MS);

let code = 1;
if (!port || port === 'gone') {
  console.error('millrace did not start');
} else {
  const here = dirname(fileURLToPath(import.meta.url));
  const files = readdirSync(here).filter((name) => name.endsWith('.test.mjs')).map((name) => join(here, name));
  // One after the other: some compare the ledger before and after.
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
    stdio: 'inherit',
    env: { ...process.env, MILLRACE_URL: `http://127.0.0.1:${port}`, MILLRACE_BINARY: binary },
  });
  code = await new Promise((resolve) => tests.on('exit', (result) => resolve(result ?? 1)));
}
if (!exited) {
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_DEADLINE_MS);
  const how = await ended;
  clearTimeout(timer);
  if (how !== 0) {
    console.error(`millrace ended with ${how}`);
    code = code || 1;
  }
}
rmSync(directory, { recursive: true, force: true });
process.exit(code);
