import type { ComponentChildren } from 'preact';

interface CardProps {
  id: string;
  title: string;
  note?: ComponentChildren;
  children: ComponentChildren;
}

export function Card({ id, title, note, children }: CardProps) {
  return (
    <section class={`card ${id}`} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        <span class="note">{note}</span>
      </header>
      {children}
    </section>
  );
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty"><span>{children}</span></p>;

// A bar whose length is a share of its slot; what it says is said by the number beside it.
export const Bar = ({ part, of }: { part: number; of: number }) => (
  <span class="bar" aria-hidden="true">
    <span style={{ width: `${of > 0 ? Math.min(100, (100 * part) / of) : 0}%` }} />
  </span>
);
