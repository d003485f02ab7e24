import { useState } from 'preact/hooks';
import { get, type Ledger, type LedgerRow, type Verdicts } from '../api';
import { Card, Empty } from '../card';
import { LABELS, VERDICTS } from '../cards/ledger';
import * as format from '../format';
import { usePoll } from '../poll';
import { go, route } from '../route';
import { nowMs, status } from '../shop';
import { useTopic } from '../topic';

interface Range {
  title: string;
  step: 'minute' | 'hour';
  stepMs: number;
  steps: number;
}

const MINUTE_MS = 60_000;
const RANGES: Record<string, Range> = {
  hour: { title: 'last hour', step: 'minute', stepMs: MINUTE_MS, steps: 60 },
  day: { title: '24 hours', step: 'hour', stepMs: 60 * MINUTE_MS, steps: 24 },
  week: { title: '7 days', step: 'hour', stepMs: 60 * MINUTE_MS, steps: 168 },
};

type Counts = Verdicts & { received: number };
interface Cell extends Counts {
  at: number;
}

const closes = (row: Counts): boolean => VERDICTS.reduce((sum, name) => sum + row[name], 0) === row.received;

const emptyCell = (at: number): Cell =>
  ({ at, received: 0, accepted: 0, duplicate: 0, quarantined: 0, suppressed: 0, bot: 0, consent_dropped: 0 });

// Every step of the range, those without items too, all sources together.
function cellsOf(rows: LedgerRow[], from: number, range: Range): Cell[] {
  const cells = Array.from({ length: range.steps }, (_, index) => emptyCell(from + index * range.stepMs));
  for (const row of rows) {
    const cell = cells[Math.floor((Date.parse(row.minute) - from) / range.stepMs)];
    if (!cell) continue;
    cell.received += row.received;
    for (const name of VERDICTS) cell[name] += row[name];
  }
  return cells;
}

function Columns({ cells, range }: { cells: Cell[]; range: Range }) {
  const most = Math.max(1, ...cells.map((cell) => cell.received));
  const [first, last] = [cells[0], cells[cells.length - 1]];
  return (
    <>
      <div class="columns" role="img" aria-label={`Items received by ${range.step} and verdict`}>
        <span class="most">{format.count(most)}</span>
        {cells.map((cell) => (
          <span key={cell.at} class="column" title={`${label(cell.at, range)}: ${format.count(cell.received)} received`}>
            {VERDICTS.map((name) => (
              <i key={name} class={name} style={{ height: `${(100 * cell[name]) / most}%` }} />
            ))}
          </span>
        ))}
      </div>
      <p class="ends" aria-hidden="true">
        <span>{first ? label(first.at, range) : '\u00a0'}</span>
        <span>{last ? `${label(last.at, range)}, still counting` : ''}</span>
      </p>
    </>
  );
}

const label = (at: number, range: Range): string =>
  range.step === 'minute' ? format.time(at).slice(0, 5) : `${format.date(at)} ${format.time(at).slice(0, 5)}`;

function Rows({ cells, total, range }: { cells: Cell[]; total: Counts | null; range: Range }) {
  const row = (name: string, counts: Counts, key: number) => (
    <tr key={key} class={key < 0 ? 'total' : ''}>
      <th scope="row">{name}</th>
      <td class="number strong">{format.count(counts.received)}</td>
      {VERDICTS.map((verdict) => (
        <td key={verdict} class={`number ${counts[verdict] === 0 ? 'soft' : ''}`}>{format.count(counts[verdict])}</td>
      ))}
      <td class="number"><span class={`state ${closes(counts) ? 'good' : 'bad'}`}>{closes(counts) ? 'closed' : 'not closed'}</span></td>
    </tr>
  );
  return (
    <table class="wide-table">
      <caption>The account of every item received</caption>
      <thead>
        <tr>
          <th scope="col" class="w-when">{range.step}</th>
          <th scope="col" class="number">received</th>
          {VERDICTS.map((name) => <th key={name} scope="col" class="number">{LABELS[name] ?? name}</th>)}
          <th scope="col" class="number">sum</th>
        </tr>
      </thead>
      <tbody>
        {total && row('all', total, -1)}
        {cells.filter((cell) => cell.received > 0).reverse().map((cell) => row(label(cell.at, range), cell, cell.at))}
      </tbody>
    </table>
  );
}

export function LedgerPage() {
  const { parameters } = useTopic(route);
  const names = (useTopic(status)?.sources ?? []).filter(Boolean);
  const [chosen, choose] = useState('hour');
  const range = RANGES[chosen]!;
  const source = parameters.get('source') ?? '';
  const { value, failure } = usePoll(`${chosen} ${source}`, 2000, async () => {
    // Whole steps, the running one included.
    const to = (Math.floor(nowMs() / range.stepMs) + 1) * range.stepMs;
    const from = to - range.steps * range.stepMs;
    const query = new URLSearchParams({ step: range.step, from: String(from), to: String(to), ...(source ? { source } : {}) });
    return { from, book: await get<Ledger>(`/v1/ledger?${query}`) };
  });
  const cells = value ? cellsOf(value.book.rows, value.from, range) : [];
  return (
    <>
      <Card
        id="account" title="Ledger"
        note={
          <>
            {failure && <span class="state bad">{failure.message}</span>}
            {value && !value.book.complete && <span class="state warn">part of it is no longer in memory</span>}
            {value && <span class={`state ${value.book.closed ? 'good' : 'bad'}`}>{value.book.closed ? 'closed' : 'not closed'}</span>}
          </>
        }
      >
        <form class="tools" onSubmit={(event) => event.preventDefault()}>
          <label>
            Source
            <select value={source} onChange={(event) => go('ledger', { source: event.currentTarget.value })}>
              <option value="">all</option>
              {names.map((name) => <option key={name} value={name}>{name}</option>)}
            </select>
          </label>
          <fieldset class="switch">
            <legend>Range</legend>
            {Object.entries(RANGES).map(([name, { title }]) => (
              <label key={name}>
                <input type="radio" name="range" value={name} checked={chosen === name} onChange={() => choose(name)} />
                <span>{title}</span>
              </label>
            ))}
          </fieldset>
          <p class="legend" aria-hidden="true">
            {VERDICTS.map((name) => <span key={name} class={`verdict ${name}`}>{LABELS[name] ?? name}</span>)}
          </p>
        </form>
        <Columns cells={cells} range={range} />
      </Card>
      <Card id="book" title="Received = accepted + duplicate + quarantined + suppressed + bot + no consent">
        <div class="scroll" tabIndex={0} role="region" aria-label="The ledger, newest first">
          <Rows cells={cells} total={value?.book.total ?? null} range={range} />
        </div>
        {value?.book.rows.length === 0 && <Empty>Nothing was received in this time.</Empty>}
      </Card>
    </>
  );
}
