import type { Item, Queue } from './queue';

// What a browser lets a page send while it goes away.
const LEAVING_BYTES_MAX = 60_000;
const BATCH_MAX = 50;
const WAIT_MS = 300;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;

export interface Transport {
  // Soon, with what else comes meanwhile.
  soon(): void;
  flush(): Promise<void>;
  // The page goes away: what is left is handed to the browser.
  leave(): void;
}

// Sends what is queued, oldest first, a batch at a time. An item leaves the queue when the server has answered for it and
// not before; what is sent twice carries the same message id. `identify` gives the visitor's id, or fails like a request;
// `known` is the id when it is known already.
export function createTransport(
  url: string, writeKey: string, queue: Queue, identify: () => Promise<string>, known: () => string | undefined,
): Transport {
  let running: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let delayMs = 0;
  let limit = BATCH_MAX;

  const body = (items: Item[], anonymousId: string): string =>
    JSON.stringify({
      batch: items.map((item) => ({ anonymousId, ...item })),
      sentAt: new Date().toISOString(),
      writeKey,
    });

  const small = (text: string): boolean =>
    text.length * 3 < LEAVING_BYTES_MAX || new Blob([text]).size < LEAVING_BYTES_MAX;

  // As many from `all` as fit; at least one.
  function fitting(all: Item[], anonymousId: string): [Item[], string] {
    for (let count = Math.min(limit, all.length); ; count >>= 1) {
      const items = all.slice(0, count);
      const text = body(items, anonymousId);
      if (count <= 1 || small(text)) return [items, text];
    }
  }

  function after(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(flush, ms);
  }

  // One batch; true when more may follow at once.
  async function step(): Promise<boolean> {
    if (!queue.items().length) return false;
    let retryAfter = 0;
    try {
      const id = await identify();
      const [items, text] = fitting(queue.items(), id);
      if (!items.length) return false;
      const response = await fetch(url, {
        method: 'POST', body: text, keepalive: small(text), credentials: 'omit',
        headers: { 'Content-Type': 'text/plain' },
      });
      const { status, ok } = response;
      if (status === 413 && items.length > 1) {
        limit = items.length >> 1;
        return true;
      }
      // What will never be taken: a wrong write key, one item that is too large.
      if (ok || [400, 401, 403, 413].includes(status)) {
        queue.remove(items);
        delayMs = 0;
        return true;
      }
      retryAfter = Number(response.headers.get('Retry-After')) * 1000 || 0;
    } catch {
      // No answer: offline, or the server is away.
    }
    delayMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, delayMs * 2));
    // Not all visitors at once.
    after(Math.max(retryAfter, delayMs) * (1 + Math.random()));
    return false;
  }

  async function run(): Promise<void> {
    while (await step());
  }
  function flush(): Promise<void> {
    return (running ||= run().finally(() => (running = undefined)));
  }

  return {
    soon: () => {
      // A retry that waits keeps its time.
      if (!delayMs) after(WAIT_MS);
    },
    flush: () => {
      clearTimeout(timer);
      return flush();
    },
    leave() {
      const id = known();
      let left = queue.items();
      while (id && left.length) {
        const [items, text] = fitting(left, id);
        if (!navigator.sendBeacon(`${url}?writeKey=${encodeURIComponent(writeKey)}`, text)) return;
        left = left.slice(items.length);
      }
    },
  };
}
