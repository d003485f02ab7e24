import { useState } from 'preact/hooks';
import { get, send, serves, type ConsentCounts, type Ledger, type LedgerRow } from '../api';
import { Card, Empty } from '../card';
import * as format from '../format';
import { usePoll } from '../poll';
import { nowMs, second } from '../shop';
import { useTopic } from '../topic';

const EVERY_MS = 5000;
const SHOWN = 200;

interface Suppressions {
  count: number;
  suppressions: { hash: string; since: string | null }[];
}

// Null: this server suppresses nobody.
const ask = async (): Promise<Suppressions | null> =>
  (await serves('/v1/privacy/suppressions')) ? get<Suppressions>('/v1/privacy/suppressions') : null;

const CONSENT: [keyof ConsentCounts, string, string][] = [
  ['store', 'as it came', 'Kept with all that the client sent'],
  ['pseudonymise', 'pseudonymised', 'Kept with tokens for ids and addresses'],
  ['anonymise', 'anonymised', 'Kept without any id, address or cookie'],
  ['drop', 'no consent', 'Dropped at the door: the person had not agreed to what the event is for'],
];

const KEPT: [keyof LedgerRow, string, string][] = [
  ['suppressed', 'suppressed', 'Dropped at the door: the person asked not to be followed'],
  ['bot', 'bot', 'Stored and left out of the figures'],
];

function Dropped({ book }: { book: Ledger | null }) {
  return (
    <Card id="dropped" title="What was decided" note="by source, last 24 hours">
      <div class="scroll" tabIndex={0} role="region" aria-label="What was decided">
        <table class="wide-table">
          <caption>What consent and suppression decided about items, by source</caption>
          <thead>
            <tr>
              <th scope="col">source</th>
              <th scope="col" class="number">received</th>
              {CONSENT.map(([name, title, why]) => <th key={name} scope="col" class="number" title={why}>{title}</th>)}
              {KEPT.map(([name, title, why]) => <th key={name} scope="col" class="number" title={why}>{title}</th>)}
              <th scope="col" class="number" title="Dropped of all received">dropped</th>
            </tr>
          </thead>
          <tbody>
            {book?.rows.map((row) => {
              const sum = row.consent_dropped + row.suppressed;
              return (
                <tr key={row.source}>
                  <th scope="row"><a href={`#/ledger?source=${encodeURIComponent(row.source)}`}>{row.source}</a></th>
                  <td class="number strong">{format.count(row.received)}</td>
                  {CONSENT.map(([name]) => <td key={name} class="number">{format.count(row.consent[name])}</td>)}
                  {KEPT.map(([name]) => <td key={name} class="number">{format.count(Number(row[name]))}</td>)}
                  <td class="number soft">{format.fineShare(sum, row.received)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {book?.rows.length === 0 && <Empty>Nothing was received yet.</Empty>}
    </Card>
  );
}

function Suppress({ list, again }: { list: Suppressions; again: () => void }) {
  useTopic(second);
  const [id, setId] = useState('');
  const [said, say] = useState<{ good: boolean; text: string } | null>(null);
  const act = async (method: 'PUT' | 'DELETE') => {
    try {
      const { changed } = await send<{ changed: boolean }>(method, `/v1/privacy/suppressions/${encodeURIComponent(id)}`);
      const done = method === 'PUT' ? 'Nothing more of this person is taken.' : 'This person is followed again.';
      say({ good: true, text: changed ? done : `${done} It was so before.` });
      setId('');
      again();
    } catch (failure) {
      say({ good: false, text: (failure as Error).message });
    }
  };
  return (
    <Card id="suppress" title="Suppression" note={`${format.count(list.count)} ${list.count === 1 ? 'person' : 'people'}`}>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          void act('PUT');
        }}
      >
        <label class="grow">
          Any id of the person
          <input
            name="suppress" required maxLength={200} autocomplete="off" placeholder="visitor id, user id, email, device id" value={id}
            onInput={(event) => setId(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Suppress</button>
        <button type="button" disabled={!id} onClick={() => void act('DELETE')}>Lift</button>
      </form>
      <p role="status" class={`said ${said && !said.good ? 'bad' : ''}`}>{said?.text}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Suppressed">
        <table>
          <caption>Who is not followed</caption>
          <thead><tr><th scope="col">keyed hash of the id</th><th scope="col" class="number w-when">since</th></tr></thead>
          <tbody>
            {[...list.suppressions].reverse().slice(0, SHOWN).map((one) => (
              <tr key={one.hash}>
                <th scope="row"><code>{one.hash}</code></th>
                <td class="number soft">{one.since ? `${format.age(nowMs() - Date.parse(one.since))} ago` : format.NONE}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

export function Privacy() {
  const book = usePoll('ledger', EVERY_MS, () => get<Ledger>('/v1/ledger?step=range'));
  const list = usePoll('suppressions', EVERY_MS, ask);
  return (
    <>
      <Dropped book={book.value} />
      {list.value && <Suppress list={list.value} again={list.again} />}
      {list.known && list.value === null && (
        <p class="hint">
          This server has no list of suppressions. What clients send is stored as they send it; the browser tag asks
          before it sends anything.
        </p>
      )}
    </>
  );
}
