import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const BYTES_MAX = 4096;

test('the script is under 4 kB, gzipped', () => {
  const size = gzipSync(readFileSync('dist/millrace.js'), { level: 9 }).length;
  console.log(`millrace.js: ${size} bytes gzipped`);
  assert.ok(size < BYTES_MAX, `${size} bytes`);
});

test('neither build needs more than the browser', () => {
  for (const file of ['dist/millrace.js', 'dist/index.js']) {
    assert.doesNotMatch(readFileSync(file, 'utf8'), /\b(require\(|process\.|from ["'])/);
  }
});
