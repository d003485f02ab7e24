// The items that come in, for the page that shows them: one event stream while somebody looks.
import type { Item } from './api';
import { Topic } from './topic';

export const ITEMS_SHOWN = 200;
const FIRST = 100;
// The server says something every ten seconds, if only that nothing came.
const RECONNECT_MS = 2000;

export interface Filter {
  source: string;
  verdict: string;
  contains: string;
}

export const items = new Topic<Item[]>([]);
export const waiting = new Topic(0);  // Came while the list was held.
export const skipped = new Topic(0);
export const streaming = new Topic(false);

let latest: Item[] = [];
let holds = 0;

function show(): void {
  if (holds > 0) {
    const newest = items.value[0]?.sequence ?? 0;
    waiting.set(latest.filter((item) => item.sequence > newest).length);
    return;
  }
  waiting.set(0);
  items.set(latest);
}

// The list holds still until every hold was released.
export function hold(): () => void {
  ++holds;
  let held = true;
  return () => {
    if (held) --holds;
    held = false;
    show();
  };
}

// Follows what passes the filter until the returned function is called.
export function follow(filter: Filter): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout>;
  let frame = 0;
  latest = [];
  items.set([]);
  waiting.set(0);

  const open = (): void => {
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ''));
    const last = latest[0]?.sequence ?? 0;
    query.set('n', String(FIRST));
    if (last > 0) query.set('after', String(last));
    source = new EventSource(`/v1/events/stream?${query}`);
    source.onopen = () => streaming.set(true);
    source.addEventListener('item', (event) => {
      const item = JSON.parse((event as MessageEvent<string>).data) as Item;
      // A lower number is of a server that began anew.
      latest = [item, ...(item.sequence < (latest[0]?.sequence ?? 0) ? [] : latest)].slice(0, ITEMS_SHOWN);
      // However many came in one piece of the stream: one change.
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        show();
      });
    });
    source.addEventListener('skipped', (event) =>
      skipped.set((JSON.parse((event as MessageEvent<string>).data) as { skipped: number }).skipped));
    source.onerror = () => {
      source?.close();
      streaming.set(false);
      timer = setTimeout(open, RECONNECT_MS);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    source?.close();
    streaming.set(false);
  };
}

const CALLS: Record<string, string> = {
  page_viewed: 'page', screen_viewed: 'screen', identified: 'identify', grouped: 'group', aliased: 'alias',
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

// Sends the same item again. Its message id makes it a duplicate there, where it was accepted before.
export function asCurl(item: Item): string {
  let single = true;
  try {
    single = typeof (JSON.parse(item.raw) as { type?: unknown }).type !== 'string';
  } catch {
    // Sent as it came, which is what somebody wants to look into.
  }
  const path = single ? `/v1/${CALLS[String(item.canonical?.type)] ?? 'track'}` : '/v1/batch';
  const body = single ? item.raw : `{"batch":[${item.raw}]}`;
  return [
    `curl ${quoted(location.origin + path)} -u ${quoted('WRITE_KEY:')}`,
    "  -H 'Content-Type: application/json'",
    `  --data-binary ${quoted(body)}`,
  ].join(' \\\n');
}

export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
