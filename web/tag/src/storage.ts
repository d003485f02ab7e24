// A browser may refuse storage altogether (private windows, settings, a full disk): then nothing is remembered, and
// nothing breaks.
type Kind = 'localStorage' | 'sessionStorage';

export function recall(kind: Kind, key: string): string | null {
  try {
    return window[kind].getItem(key);
  } catch {
    return null;
  }
}

// True when it was stored; null forgets.
export function remember(kind: Kind, key: string, value: string | null): boolean {
  try {
    if (value === null) window[kind].removeItem(key);
    else window[kind].setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
