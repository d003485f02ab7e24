// A shop's own web server: its pages, and what is Millrace's passed on, so that both are one origin. It can be told to lose
// answers on their way back.
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

const MODULE = new URL('../../web/tag/dist/index.js', import.meta.url);

// /page?data-consent=analytics&data-data-layer= : a page whose tag has these attributes.
function page(url) {
  const attributes = [...url.searchParams].filter(([name]) => name.startsWith('data-'))
    .map(([name, value]) => ` ${name}="${value.replace(/[^\w ,.:/-]/g, '')}"`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${url.pathname}</title><link rel="icon" href="data:,">
<script>window.dataLayer = window.dataLayer || []; window.millrace = window.millrace || [];
function gtag() { dataLayer.push(arguments); }
if (location.search.includes('early')) millrace.push(['product', { product_id: 'early-1', price: 5, currency: 'EUR' }]);
</script>
<script async src="/millrace.js" data-write-key="shop-key" data-pages="off"${attributes}></script></head>
<body><h1>Shop</h1><a id="next" href="/next?${url.searchParams}">Next</a></body></html>`;
}

const MODULE_PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>module</title><link rel="icon" href="data:,">
<script type="module">import { load } from '/index.js';
const tag = load({ writeKey: 'shop-key', consent: { analytics: true }, pages: true });
tag.order({ order_id: 'order-module', currency: 'EUR', total: 12, products: [{ product_id: 'tea-1', price: 6, quantity: 2 }] });
await tag.flush(); document.title = 'sent';</script></head><body></body></html>`;

export async function openShop(millracePort) {
  const shop = { requests: [], loseAnswers: 0 };
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url, 'http://shop');
    const isOurs = url.pathname.startsWith('/v1/') || url.pathname === '/millrace.js';
    if (!isOurs) {
      const [type, body] = url.pathname === '/index.js' ? ['text/javascript', readFileSync(MODULE)]
        : ['text/html', url.pathname === '/module' ? MODULE_PAGE : page(url)];
      outgoing.writeHead(200, { 'Content-Type': type });
      outgoing.end(body);
      return;
    }
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      shop.requests.push({ method: incoming.method, path: url.pathname, body: body.toString() });
      const onward = request(
        { host: '127.0.0.1', port: millracePort, method: incoming.method, path: incoming.url, headers: incoming.headers },
        (answer) => {
          if (url.pathname === '/v1/batch' && shop.loseAnswers > 0) {
            --shop.loseAnswers;
            answer.resume();
            answer.on('end', () => outgoing.destroy());
            return;
          }
          outgoing.writeHead(answer.statusCode, answer.headers);
          answer.pipe(outgoing);
        },
      );
      onward.on('error', () => outgoing.destroy());
      onward.end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  shop.url = `http://127.0.0.1:${server.address().port}`;
  shop.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return shop;
}
