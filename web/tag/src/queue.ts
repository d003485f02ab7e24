import { recall, remember } from './storage';
import type { Properties } from './types';

export interface Item extends Properties {
  messageId: string;
  timestamp: string;
  anonymousId?: string;
}

export const ITEMS_MAX = 500;
export const BYTES_MAX = 500_000;
// The server recognises a repeated message for as long: older ones could count twice.
export const AGE_MAX_MS = 72 * 3600_000;
const KEY = 'millrace:queue';

export interface Queue {
  items(): Item[];
  // Past the limits the oldest leave.
  add(items: Item[]): void;
  remove(sent: Item[]): void;
  // From now on in localStorage, so that it survives this page; or in memory only, with nothing left behind.
  keep(stored: boolean): void;
}

// Tabs of one shop share what is stored. Each change reads it, changes it and writes it back in one go; when two tabs
// still send the same item, its message id tells the server.
export function createQueue(): Queue {
  // Of this page, until they are answered: a tab that does not see them yet may write over them, as browsers tell their
  // processes of each other's storage late. And whatever storage would not take.
  let own: Item[] = [];
  let stored = false;

  function lying(): Item[] {
    try {
      const found = JSON.parse((stored && recall('localStorage', KEY)) || '[]');
      // What another script wrote there is not ours to send.
      return Array.isArray(found) ? found.filter((one) => one && one.messageId && one.timestamp) : [];
    } catch {
      return [];
    }
  }
  const without = (all: Item[], some: Item[]): Item[] => {
    const gone = new Set(some.map((item) => item.messageId));
    return all.filter((item) => !gone.has(item.messageId));
  };
  const items = (): Item[] => lying().concat(without(own, lying()));

  function write(next: Item[]): void {
    const oldest = Date.now() - AGE_MAX_MS;
    next = next.filter((item) => Date.parse(item.timestamp) > oldest).slice(-ITEMS_MAX);
    let text = JSON.stringify(next);
    while (text.length > BYTES_MAX) text = JSON.stringify((next = next.slice(Math.ceil(next.length / 10))));
    if (stored && remember('localStorage', KEY, next.length ? text : null)) {
      own = without(own, without(own, next));
      return;
    }
    own = next;
    // A full disk: what lies there stays, unless some of it has left.
    if (without(lying(), next).length) remember('localStorage', KEY, null);
  }

  return {
    items,
    add(added) {
      own = own.concat(added);
      write(items());
    },
    remove(sent) {
      own = without(own, sent);
      write(without(items(), sent));
    },
    keep(store) {
      if (!store) remember('localStorage', KEY, null);
      if (stored === store) return;
      stored = store;
      if (store) write(items());
      else own = [];
    },
  };
}
