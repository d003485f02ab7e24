import { useEffect, useState } from 'preact/hooks';

// A value that cards watch. Preact draws a card once a frame, however often its topics change.
export class Topic<T> {
  private watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const watcher of this.watchers) watcher(value);
  }

  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

export function useTopic<T>(topic: Topic<T>): T {
  const [value, setValue] = useState(() => topic.value);
  useEffect(() => {
    setValue(() => topic.value);
    return topic.watch((next) => setValue(() => next));
  }, [topic]);
  return value;
}
