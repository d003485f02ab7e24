// node build.mjs [test]: dist/index.js (ES module), dist/millrace.js (script); or the unit tests into dist-test/.
import { readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url)));
const common = { bundle: true, define: { VERSION: JSON.stringify(version) }, logLevel: 'warning' };

if (process.argv[2] === 'test') {
  const tests = readdirSync(new URL('test', import.meta.url)).filter((name) => name.endsWith('.test.mjs'));
  await build({
    ...common,
    entryPoints: tests.map((name) => `test/${name}`),
    outdir: 'dist-test', outExtension: { '.js': '.mjs' }, format: 'esm', platform: 'node', target: 'node20',
  });
} else {
  await build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', format: 'esm', target: 'es2020' });
  await build({
    ...common, entryPoints: ['src/script.ts'], outfile: 'dist/millrace.js', format: 'iife', target: 'es2020', minify: true,
  });
}
