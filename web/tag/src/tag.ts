import { listen } from './data_layer';
import { pageContext, uuid } from './page';
import { createQueue, ITEMS_MAX, type Item } from './queue';
import { recall, remember } from './storage';
import { createTransport } from './transport';
import type { Consent, Options, Properties, Recommendation, Tag } from './types';

const VISITOR = 'millrace:id';
const COOKIE = 'millrace:cookie';  // Says that there is one, which scripts cannot see.
const USER = 'millrace:user';

export function createTag(options: Options): Tag {
  const host = (options.host || '').replace(/\/$/, '');
  const queue = createQueue();
  let consent: Consent | undefined;
  let held: Item[] = [];  // Until there is a decision.
  let visitor: string | undefined;
  let user: string | undefined;
  let asking: Promise<string> | undefined;
  let forgotten: Promise<unknown> | undefined;
  let pageId = uuid();  // Whose it is without consent: gone with the page.
  let lives = 0;  // How often the visitor was forgotten.

  const allowed = (): boolean => !!consent?.analytics;
  const sendable = (): boolean => allowed() || !!options.anonymous;
  // Not while events go without consent: then nobody's name goes with them.
  const named = (): boolean => allowed() || !options.anonymous;
  const known = (): string | undefined => (allowed() ? visitor : pageId);

  // The server's cookie knows the visitor; asked once a visit. A server without the service leaves it to this browser.
  async function ask(): Promise<string> {
    await forgotten;
    const life = lives;
    const response = await fetch(`${host}/v1/id`, { method: 'POST', credentials: 'include' });
    let id: string | null = null;
    if (response.ok) id = (await response.json()).anonymous_id;
    else if (response.status !== 404) throw new Error();
    if (response.ok) remember('localStorage', COOKIE, '1');
    if (life !== lives) {
      // They changed their mind meanwhile, or someone else sits there now: the cookie is of who it was.
      forget();
      return allowed() ? ask() : pageId;
    }
    id ||= recall('localStorage', VISITOR) || pageId;
    if (!response.ok) remember('localStorage', VISITOR, id);
    remember('sessionStorage', VISITOR, id);
    return (visitor = id);
  }
  const identity = async (): Promise<string> =>
    known() || (asking ||= ask().finally(() => (asking = undefined)));

  const transport = createTransport(`${host}/v1/batch`, options.writeKey, queue, identity, known);

  const stamp = (item: Item): Item => {
    const context = item.context as Properties;
    if (consent) context.consent = { categoryPreferences: consent };
    if (!item.anonymousId && known()) item.anonymousId = known();
    return item;
  };

  function capture(type: string, fields: Properties): void {
    let item: Item;
    try {
      // A copy as it is now: the page may go on changing what it passed.
      item = JSON.parse(JSON.stringify({
        type, messageId: uuid(), timestamp: new Date().toISOString(), userId: named() ? user : undefined, ...fields, context: pageContext(),
      }));
    } catch (error) {
      return console.error('millrace', error);
    }
    if (!consent && !options.anonymous) held = held.concat(item).slice(-ITEMS_MAX);
    else if (sendable()) {
      queue.add([stamp(item)]);
      transport.soon();
    }
  }

  const track = (event: string, properties: Properties = {}): void => capture('track', { event, properties });

  function forget(): void {
    const cookie = recall('localStorage', COOKIE);
    for (const key of [VISITOR, USER, COOKIE]) {
      remember('localStorage', key, null);
      remember('sessionStorage', key, null);
    }
    visitor = user = undefined;
    ++lives;
    if (cookie) {
      forgotten = fetch(`${host}/v1/id`, { method: 'DELETE', credentials: 'include', keepalive: true }).catch(() => 0);
    }
  }

  function decide(next: Consent): void {
    const before = allowed();
    consent = { ...consent, ...next, necessary: true };
    const now = allowed();
    if (now && !before) {
      visitor = recall('sessionStorage', VISITOR) || undefined;
      user = user || recall('localStorage', USER) || undefined;
      if (user) remember('localStorage', USER, user);
    }
    queue.keep(now);
    if (!now) forget();
    const waiting = held.map(stamp);
    held = [];
    if (sendable()) {
      if (waiting.length) queue.add(waiting);
      transport.soon();
    }
  }

  async function get<T>(path: string, parameters: Record<string, string | number>): Promise<T | null> {
    try {
      const query = new URLSearchParams(parameters as Record<string, string>);
      const response = await fetch(`${host}${path}?${query}`, { credentials: 'omit' });
      return response.ok && response.status !== 204 ? await response.json() : null;
    } catch {
      return null;
    }
  }
  // Whose session counts is told only with their consent.
  const asker = async (): Promise<string> =>
    consent?.personalisation && allowed() ? await identity().catch(() => pageId) : pageId;

  const tag: Tag = {
    page: (name, properties) =>
      capture('page', { name, properties: { ...(pageContext().page as Properties), ...properties } }),
    track,
    identify(userId, traits = {}) {
      user = userId;
      if (allowed()) remember('localStorage', USER, userId);
      if (named()) capture('identify', { userId, traits });
    },
    reset() {
      // Also what came before anybody knew whose it is must not become the next visitor's.
      const waiting = queue.items().map((item) => ({ anonymousId: pageId, ...stamp(item) }));
      queue.remove(waiting);
      queue.add(waiting);
      pageId = uuid();
      forget();
    },

    search: (query, properties) => track('Products Searched', { query, ...properties }),
    productList: (products, properties) => track('Product List Viewed', { ...properties, products }),
    productClick: (product) => track('Product Clicked', product),
    product: (product) => track('Product Viewed', product),
    addToCart: (product, cart_id) => track('Product Added', { cart_id, ...product }),
    removeFromCart: (product, cart_id) => track('Product Removed', { cart_id, ...product }),
    cart: (cart) => track('Cart Viewed', cart),
    checkout: (checkout) => track('Checkout Started', checkout),
    checkoutStep: (step, properties) => track('Checkout Step Completed', { step, ...properties }),
    payment: (properties) => track('Payment Info Entered', properties),
    order: (order) => track('Order Completed', order),
    refund: (refund) => track('Order Refunded', refund),

    consent: decide,

    async recommend({ items, n = 10 } = {}) {
      const answer = await get<{ items: Recommendation[] }>(
        '/v1/recommendations', items?.length ? { items: items.join(), n } : { visitor: await asker(), n });
      return answer?.items || [];
    },
    offer: async (question) => get('/v1/offers', { visitor: await asker(), ...question }),

    flush: () => (sendable() ? transport.flush() : Promise.resolve()),
  };

  if (options.consent) decide(options.consent);
  addEventListener('online', () => void tag.flush());
  addEventListener('pagehide', () => sendable() && transport.leave());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && void tag.flush());
  if (options.dataLayer) listen(tag, options.dataLayer === true ? 'dataLayer' : options.dataLayer);
  if (options.pages) followPages(tag);
  return tag;
}

function followPages(tag: Tag): void {
  let last = '';
  const look = (): void => {
    const { pathname, search } = location;
    if (last !== (last = pathname + search)) tag.page();
  };
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name];
    history[name] = function (...call) {
      original.apply(this, call);
      // The new page sets its title first.
      setTimeout(look);
    };
  }
  addEventListener('popstate', () => setTimeout(look));
  look();
}
