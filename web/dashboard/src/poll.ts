import { useEffect, useState } from 'preact/hooks';

export interface Polled<T> {
  value: T | null;
  // There was an answer, which may be that there is nothing.
  known: boolean;
  // Of the newest attempt; the value of the one before stays.
  failure: Error | null;
}

// Asks now, whenever `key` changes, and every so often while the page is looked at.
export function usePoll<T>(key: string, everyMs: number, ask: () => Promise<T>): Polled<T> & { again: () => void } {
  const [state, set] = useState<Polled<T> & { key: string }>({ value: null, known: false, failure: null, key });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    const round = async () => {
      if (!document.hidden) {
        try {
          const value = await ask();
          if (!over) set({ value, known: true, failure: null, key });
        } catch (failure) {
          if (!over) {
            set((old) => {
              const same = old.key === key;
              return { value: same ? old.value : null, known: same && old.known, failure: failure as Error, key };
            });
          }
        }
      }
      if (!over) timer = setTimeout(round, everyMs);
    };
    void round();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [key, turn]);
  return { value: state.value, known: state.known, failure: state.failure, again: () => setTurn((now) => now + 1) };
}
