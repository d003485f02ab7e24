// As much of a browser as the tag touches: storage, a page, a network that does what the test says.
export class FakeStorage {
  values = new Map();
  full = false;
  getItem(key) {
    return this.values.get(key) ?? null;
  }
  setItem(key, value) {
    if (this.full) throw new Error('QuotaExceededError');
    this.values.set(key, String(value));
  }
  removeItem(key) {
    this.values.delete(key);
  }
}

export function openBrowser({ href = 'https://shop.example/shoes?utm_source=news&utm_campaign=spring' } = {}) {
  const browser = {
    localStorage: new FakeStorage(),
    sessionStorage: new FakeStorage(),
    requests: [],
    beacons: [],
    // What the server answers: a function of the request, or of nothing for a server that is away.
    answer: () => ({ status: 200, body: { anonymous_id: 'visitor-1', new: true, stored: true } }),
    beaconTaken: true,
    listeners: {},
    dispatch: (name) => browser.listeners[name]?.forEach((listener) => listener()),
    items: () => browser.requests.filter((one) => one.path === '/v1/batch').flatMap((one) => one.body.batch),
  };
  const url = new URL(href);
  const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  define('window', browser);
  define('location', { href, pathname: url.pathname, search: url.search, origin: url.origin });
  define('document', {
    title: 'Shoes', referrer: 'https://search.example/', visibilityState: 'visible',
    addEventListener: (name, listener) => (browser.listeners[name] ||= []).push(listener),
  });
  define('navigator', {
    userAgent: 'Test/1.0', language: 'en-GB',
    sendBeacon(at, body) {
      if (browser.beaconTaken) browser.beacons.push({ url: at, body: JSON.parse(body) });
      return browser.beaconTaken;
    },
  });
  define('history', { pushState: () => {}, replaceState: () => {} });
  define('addEventListener', (name, listener) => (browser.listeners[name] ||= []).push(listener));
  define('fetch', async (at, options = {}) => {
    const request = { path: at.split('?')[0], url: at, ...options, body: options.body ? JSON.parse(options.body) : undefined };
    browser.requests.push(request);
    const answer = browser.answer(request);
    if (!answer) throw new TypeError('Failed to fetch');
    return {
      status: answer.status, ok: answer.status >= 200 && answer.status < 300,
      headers: new Headers(answer.headers), json: async () => answer.body,
    };
  });
  return browser;
}
