import type { Verdicts } from '../api';
import { Card } from '../card';
import * as format from '../format';
import { ledger, pulse } from '../shop';
import { useTopic } from '../topic';

export const VERDICTS: (keyof Verdicts)[] = ['accepted', 'duplicate', 'quarantined', 'suppressed', 'bot', 'consent_dropped'];

export const LABELS: Partial<Record<keyof Verdicts, string>> = { consent_dropped: 'no consent' };

export function LedgerCard() {
  const beat = useTopic(pulse);
  const book = useTopic(ledger);
  const counts = beat?.verdicts;
  const total = counts ? VERDICTS.reduce((sum, name) => sum + counts[name], 0) : 0;
  return (
    <Card
      id="ledger" title="Ledger"
      note={
        book && (
          <span
            class={`state ${book.closed ? 'good' : 'bad'}`}
            title="Closed: every event received in the last 24 hours has exactly one verdict"
          >
            {book.closed ? 'closed' : 'not closed'}
          </span>
        )
      }
    >
      <p class="big">
        <b>{counts ? format.count(counts.accepted) : format.NONE}</b>
        <span>accepted of {format.count(total)} received</span>
      </p>
      <div class="stack" aria-hidden="true">
        {counts && VERDICTS.map((name) => (
          <span key={name} class={name} style={{ flexGrow: String(counts[name]) }} data-none={counts[name] === 0} />
        ))}
      </div>
      <dl class="verdicts">
        {VERDICTS.map((name) => (
          <div key={name}>
            <dt class={name}>{LABELS[name] ?? name}</dt>
            <dd>{counts ? format.count(counts[name]) : format.NONE}</dd>
            <dd class="share">{counts && counts[name] > 0 ? format.fineShare(counts[name], total) : ''}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
