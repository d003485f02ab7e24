import { useEffect, useRef, useState } from 'preact/hooks';
import { serves, sql } from '../api';
import { Card, Empty } from '../card';
import { CopyButton } from '../copy_button';
import * as format from '../format';
import { pretty } from '../items';
import { usePoll } from '../poll';
import { go, route } from '../route';
import { nowMs, second } from '../shop';
import { useTopic } from '../topic';
import { Repair } from './repair';

const EVERY_MS = 5000;
const ITEMS = 100;
const GROUPS = 200;

interface Group {
  source: string;
  reason: string;
  items: number;
  lastAt: number;
}

interface Held {
  id: string;
  at: number;
  source: string;
  reason: string;
  pointer: string;
  detail: string;
  raw: string;
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

async function askGroups(): Promise<Group[]> {
  const answer = await sql(
    `select source, reason, count(*), epoch_ms(max(received_at)) from conformed.quarantine group by 1, 2 order by 3 desc limit ${GROUPS}`);
  return answer.rows.map(([source, reason, count, last]) =>
    ({ source: String(source), reason: String(reason), items: Number(count), lastAt: Number(last) }));
}

async function askItems(source: string, reason: string): Promise<Held[]> {
  const where = [source && `source = ${text(source)}`, reason && `reason = ${text(reason)}`].filter(Boolean).join(' and ');
  const answer = await sql(
    `select "partition" || ':' || "offset", epoch_ms(received_at), source, reason, pointer, detail, coalesce(try(decode(raw)), raw::varchar)
     from conformed.quarantine ${where && `where ${where}`} order by received_at desc, "offset" desc limit ${ITEMS}`);
  return answer.rows.map(([id, at, from, why, pointer, detail, raw]) => ({
    id: String(id), at: Number(at), source: String(from), reason: String(why), pointer: String(pointer ?? ''),
    detail: String(detail ?? ''), raw: String(raw ?? ''),
  }));
}

function Groups({ list, source, reason }: { list: Group[]; source: string; reason: string }) {
  useTopic(second);
  const all = list.reduce((sum, group) => sum + group.items, 0);
  const row = (to: { source: string; reason: string }, name: string, from: string, items: number, last: number | null) => {
    const here = to.source === source && to.reason === reason;
    return (
      <tr key={`${from} ${name}`} class={here ? 'chosen' : ''}>
        <th scope="row">
          <button type="button" class="link" aria-pressed={here} onClick={() => go('quarantine', to)}>{name}</button>
        </th>
        <td>{from}</td>
        <td class="number strong">{format.count(items)}</td>
        <td class="number soft">{last === null ? '' : `${format.age(nowMs() - last)} ago`}</td>
      </tr>
    );
  };
  return (
    <table class="wide-table">
      <caption>Why items were not taken, and how often</caption>
      <thead>
        <tr>
          <th scope="col">reason</th>
          <th scope="col" class="w-source">source</th>
          <th scope="col" class="number">items</th>
          <th scope="col" class="number">last</th>
        </tr>
      </thead>
      <tbody>
        {row({ source: '', reason: '' }, 'all', '', all, null)}
        {list.map((group) => row({ source: group.source, reason: group.reason }, group.reason, group.source, group.items, group.lastAt))}
      </tbody>
    </table>
  );
}

function Inspect({ held }: { held: Held | null }) {
  const raw = useRef<HTMLElement>(null);
  return (
    <Card
      id="inspect" title="The item"
      note={<CopyButton label="Copy" disabled={!held} text={() => held!.raw} shown={() => raw.current} />}
    >
      <dl class="why-list">
        <div><dt>reason</dt><dd>{held?.reason ?? format.NONE}</dd></div>
        <div><dt>at</dt><dd><code>{held ? held.pointer || 'the whole item' : format.NONE}</code></dd></div>
        <div class="grow"><dt>which means</dt><dd>{held?.detail ?? format.NONE}</dd></div>
      </dl>
      <pre tabIndex={0} aria-label="The item as it came"><code ref={raw}>{held ? pretty(held.raw) : ''}</code></pre>
      {!held && <Empty>Choose an item to see it as it came.</Empty>}
    </Card>
  );
}

export function QuarantinePage() {
  const { parameters } = useTopic(route);
  const source = parameters.get('source') ?? '';
  const reason = parameters.get('reason') ?? '';
  const groups = usePoll('groups', EVERY_MS, askGroups);
  const items = usePoll(`${source} ${reason}`, EVERY_MS, () => askItems(source, reason));
  const repairs = usePoll('repairs', 60_000, () => serves('/v1/quarantine/replay'));
  const [chosen, choose] = useState<Held | null>(null);
  useEffect(() => choose(null), [source, reason]);
  const failure = groups.failure ?? items.failure;
  return (
    <>
      <Card id="causes" title="Quarantine" note={failure && <span class="state bad" title={failure.message}>no answer</span>}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Reasons">
          <Groups list={groups.value ?? []} source={source} reason={reason} />
        </div>
        {groups.value?.length === 0 && <Empty>Nothing is held back: every item became an event.</Empty>}
      </Card>
      <Card id="held" title={reason ? format.words(reason) : 'Items'} note={`the last ${ITEMS}`}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Items, newest first">
          <table class="wide-table">
            <caption>Items held back, newest first</caption>
            <thead>
              <tr>
                <th scope="col" class="w-when">received</th>
                <th scope="col" class="w-source">source</th>
                <th scope="col" class="w-reason">reason</th>
                <th scope="col" class="w-source">at</th>
                <th scope="col">item</th>
              </tr>
            </thead>
            <tbody>
              {items.value?.map((held) => (
                <tr key={held.id} class={held.id === chosen?.id ? 'chosen' : ''} onClick={() => choose(held)}>
                  <th scope="row">
                    <button type="button" class="link" aria-pressed={held.id === chosen?.id} onClick={() => choose(held)}>
                      {format.time(held.at)}
                    </button>
                  </th>
                  <td>{held.source}</td>
                  <td>{held.reason}</td>
                  <td><code>{held.pointer || format.NONE}</code></td>
                  <td class="soft"><code>{held.raw.slice(0, 200)}</code></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      <Inspect held={chosen} />
      {repairs.value && (
        <Repair source={source} reason={reason} pointer={chosen?.pointer ?? ''} done={() => (groups.again(), items.again())} />
      )}
    </>
  );
}
