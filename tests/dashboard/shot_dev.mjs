import { chromium } from 'playwright-core';
import { readFileSync, existsSync } from 'node:fs';
import { join, extname } from 'node:path';
const [url, out, w = '1440', h = '900', scheme = 'light', wait='8000', full='0'] = process.argv.slice(2);
const dist = '/work/main/web/dashboard/dist';
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox','--disable-gpu','--disable-quic','--no-first-run'] });
const p = await b.newPage({ viewport: { width: +w, height: +h }, colorScheme: scheme });
p.on('console', m => console.log(m.type(), m.text())); p.on('pageerror', e => console.log('ERR', e.message));
await p.route(u => !u.pathname.startsWith('/v1') && u.pathname !== '/readyz', r => {
  const path = new URL(r.request().url()).pathname; const f = join(dist, path === '/' ? 'index.html' : path);
  if (!existsSync(f)) return r.fulfill({ status: 404 });
  r.fulfill({ body: readFileSync(f), contentType: types[extname(f)], headers: { 'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'" } });
});
await p.addInitScript(() => { window.shift = 0; window.shifts=[]; new PerformanceObserver(l => { for (const e of l.getEntries()) { window.shift += e.value; for (const s of e.sources) window.shifts.push([e.value, s.node?.parentElement?.className+'>'+(s.node?.className ?? s.node?.nodeName), s.node?.textContent?.slice(0,30)]); } }).observe({ type: 'layout-shift', buffered: true }); });
await p.goto(url);  await p.waitForTimeout(+wait);
await p.screenshot({ path: out, fullPage: full === '1' });
console.log('shift', await p.evaluate(() => [window.shift, JSON.stringify(window.shifts.slice(0,12))]), 'scroll', await p.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]));
await b.close();
