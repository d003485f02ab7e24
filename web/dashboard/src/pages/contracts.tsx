import { useEffect, useState } from 'preact/hooks';
import { get, send, serves, sql } from '../api';
import { Bar, Card, Empty } from '../card';
import * as format from '../format';
import { usePoll } from '../poll';
import { nowMs, second } from '../shop';
import { useTopic } from '../topic';

const EVERY_MS = 4000;

interface Contract {
  vendor: string;
  name: string;
  format: string;
  versions: string[];
  newest: string;
  preloaded: boolean;
  checked: number;
  violated: number;
}

interface Proposal {
  name: string;
  event: string;
  first_seen: string;
  samples: number;
  sources: string[];
  schema: unknown;
}

interface Violation {
  at: string;
  contract: string;
  version: string;
  source: string;
  pointer: string;
  message: string;
  mode: string;
}

interface Alert {
  at: string;
  event: string;
  kind: string;
  field: string;
  detail: string;
}

interface ModeRule {
  source: string;
  contract: string;
  mode: string;
}

interface Registry {
  contracts: Contract[];
  proposals: Proposal[];
  violations: Violation[];
  alerts: Alert[];
  modes: ModeRule[];
}

interface Kind {
  source: string;
  type: string;
  unnamed: string;
  events: number;
  visitors: number;
  firstAt: number;
  lastAt: number;
}

const items = async <T,>(path: string): Promise<T[]> => (await get<{ items: T[] }>(path)).items;

// Null: this server keeps no contracts.
async function askRegistry(): Promise<Registry | null> {
  if (!(await serves('/v1/contracts'))) return null;
  const [contracts, proposals, violations, alerts, modes] = await Promise.all([
    items<Contract>('/v1/contracts'),
    items<Proposal>('/v1/contracts/proposals'),
    items<Violation>('/v1/contracts/violations'),
    items<Alert>('/v1/contracts/alerts'),
    get<{ rules: ModeRule[] }>('/v1/contracts/modes'),
  ]);
  return { contracts, proposals, violations, alerts, modes: modes.rules };
}

async function askKinds(): Promise<Kind[]> {
  const answer = await sql(
    `select source, event_type, case when event_type = 'other' then event_name else '' end, count(*), count(distinct visitor_id),
       epoch_ms(min(event_time)), epoch_ms(max(event_time))
     from conformed.events group by 1, 2, 3 order by 4 desc limit 200`);
  return answer.rows.map(([source, type, unnamed, events, visitors, first, last]) => ({
    source: String(source), type: String(type), unnamed: String(unnamed ?? ''), events: Number(events), visitors: Number(visitors),
    firstAt: Number(first), lastAt: Number(last),
  }));
}

type Chosen = { proposal: Proposal } | { contract: Contract } | null;

const pathOf = (one: Contract): string => [one.vendor, one.name, one.format, one.newest].map(encodeURIComponent).join('/');

function modesOf(one: Contract, modes: ModeRule[]): string {
  const own = modes.filter((rule) => rule.contract === one.name || rule.contract === `${one.vendor}/${one.name}`);
  const rules = own.length > 0 ? own : modes.filter((rule) => rule.contract === '');
  return [...new Set(rules.map((rule) => (rule.source ? `${rule.source}: ` : '') + format.words(rule.mode)))].join(', ') || format.NONE;
}

interface ListProps {
  registry: Registry;
  chosen: Chosen;
  choose: (chosen: Chosen) => void;
}

function Agreed({ registry, chosen, choose }: ListProps) {
  // Those that are used, and those of the shop, before the vocabulary's own.
  const contracts = [...registry.contracts].sort(
    (a, b) => b.violated - a.violated || b.checked - a.checked || Number(a.preloaded) - Number(b.preloaded) || a.name.localeCompare(b.name));
  return (
    <Card
      id="agreed" title="Contracts"
      note={registry.proposals.length > 0 && <span class="state warn">{format.count(registry.proposals.length)} proposed</span>}
    >
      <div class="scroll" tabIndex={0} role="region" aria-label="Contracts, proposals first">
        <table class="wide-table">
          <caption>Contracts, proposals first</caption>
          <thead>
            <tr>
              <th scope="col">event</th>
              <th scope="col" class="w-mark">version</th>
              <th scope="col">what a breach does</th>
              <th scope="col" class="number w-mark">checked</th>
              <th scope="col" class="number w-mark">violated</th>
            </tr>
          </thead>
          <tbody>
            {registry.proposals.map((one) => (
              <tr key={`proposal ${one.name}`} class={chosen && 'proposal' in chosen && chosen.proposal.name === one.name ? 'chosen' : ''}>
                <th scope="row"><button type="button" class="link" onClick={() => choose({ proposal: one })}>{one.event}</button></th>
                <td><span class="state warn">proposed</span></td>
                <td class="soft">from {one.sources.join(', ')}</td>
                <td class="number">{format.count(one.samples)}</td>
                <td class="number soft">{format.NONE}</td>
              </tr>
            ))}
            {contracts.map((one) => (
              <tr key={pathOf(one)} class={chosen && 'contract' in chosen && pathOf(chosen.contract) === pathOf(one) ? 'chosen' : ''}>
                <th scope="row">
                  <button type="button" class="link" onClick={() => choose({ contract: one })}>{format.words(one.name)}</button>
                </th>
                <td>{one.newest}{one.versions.length > 1 ? ` of ${one.versions.length}` : ''}</td>
                <td class="soft">{modesOf(one, registry.modes)}</td>
                <td class="number">{format.count(one.checked)}</td>
                <td class={`number ${one.violated > 0 ? 'low' : ''}`}>{format.count(one.violated)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Schema({ chosen, done }: { chosen: Chosen; done: () => void }) {
  const [text, setText] = useState('');
  const [said, say] = useState('');
  const proposal = chosen && 'proposal' in chosen ? chosen.proposal : null;
  const contract = chosen && 'contract' in chosen ? chosen.contract : null;
  const key = proposal ? proposal.name : contract ? pathOf(contract) : '';
  useEffect(() => {
    let over = false;
    say('');
    setText(proposal ? JSON.stringify(proposal.schema, null, 2) : '');
    if (contract) {
      get<unknown>(`/v1/contracts/schemas/${pathOf(contract)}`).then(
        (schema) => !over && setText(JSON.stringify(schema, null, 2)), (failure: Error) => !over && say(failure.message));
    }
    return () => (over = true);
  }, [key]);
  const decide = async (what: 'accept' | 'ignore') => {
    try {
      await send('POST', `/v1/contracts/proposals/${encodeURIComponent(proposal!.name)}/${what}`,
        what === 'accept' ? (JSON.parse(text) as unknown) : undefined);
      done();
    } catch (failure) {
      say((failure as Error).message);
    }
  };
  return (
    <Card
      id="schema" title={proposal ? `Proposed for ${proposal.event}` : 'Schema'}
      note={proposal ? (
        <>
          <button type="button" onClick={() => void decide('ignore')}>Ignore</button>
          <button type="button" onClick={() => void decide('accept')}>Accept</button>
        </>
      ) : contract ? `${contract.name} ${contract.newest}` : ''}
    >
      {said && <p class="said bad" role="alert">{said}</p>}
      {proposal
        ? <textarea aria-label="The schema, to edit before it is accepted" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        : <pre tabIndex={0} aria-label="The schema"><code>{text}</code></pre>}
      {!chosen && <Empty>Choose a contract to see its schema, a proposal to edit and accept it.</Empty>}
    </Card>
  );
}

function Breaches({ registry }: { registry: Registry }) {
  useTopic(second);
  const lines = [
    ...registry.alerts.map((one) => ({ at: one.at, what: one.kind, event: one.event, where: one.field, detail: one.detail })),
    ...registry.violations.map((one) => ({
      at: one.at, what: one.mode, event: `${one.contract.split('/').pop()} ${one.version}`, where: one.pointer, detail: `${one.message} (${one.source})`,
    })),
  ].sort((a, b) => b.at.localeCompare(a.at));
  return (
    <Card id="breaches" title="Drift and breaches" note="newest first">
      <div class="scroll" tabIndex={0} role="region" aria-label="Drift and breaches">
        <table class="wide-table">
          <caption>Drift and breaches, newest first</caption>
          <thead>
            <tr>
              <th scope="col" class="w-when">when</th><th scope="col" class="w-mark">what</th><th scope="col" class="w-reason">event</th>
              <th scope="col" class="w-reason">field</th><th scope="col">which means</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((one, index) => (
              <tr key={index}>
                <th scope="row">{format.age(nowMs() - Date.parse(one.at))} ago</th><td>{format.words(one.what)}</td><td>{one.event}</td>
                <td><code>{one.where}</code></td><td class="soft" title={one.detail}>{one.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {lines.length === 0 && <Empty>Events are as they were agreed.</Empty>}
    </Card>
  );
}

function Kinds({ list }: { list: Kind[] | null }) {
  useTopic(second);
  const most = Math.max(1, ...(list ?? []).map((kind) => kind.events));
  return (
    <Card id="kinds" title="What the sources send" note="event types of the tables, most frequent first">
      <div class="scroll" tabIndex={0} role="region" aria-label="Event types">
        <table class="wide-table">
          <caption>Event types by source</caption>
          <thead>
            <tr>
              <th scope="col">event</th>
              <th scope="col" class="w-source">source</th>
              <th class="wide" />
              <th scope="col" class="number">events</th>
              <th scope="col" class="number">visitors</th>
              <th scope="col" class="number w-when">first</th>
              <th scope="col" class="number w-when">last</th>
            </tr>
          </thead>
          <tbody>
            {list?.map((kind) => (
              <tr key={`${kind.source} ${kind.type} ${kind.unnamed}`}>
                <th scope="row">
                  {kind.unnamed || format.words(kind.type)}{' '}
                  {kind.type === 'other' && <span class="state warn" title="The vocabulary has no name for it; its properties are kept">unknown</span>}
                </th>
                <td>{kind.source}</td>
                <td class="wide"><Bar part={kind.events} of={most} /></td>
                <td class="number strong">{format.count(kind.events)}</td>
                <td class="number">{format.count(kind.visitors)}</td>
                <td class="number soft">{format.age(nowMs() - kind.firstAt)} ago</td>
                <td class="number soft">{format.age(nowMs() - kind.lastAt)} ago</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {list?.length === 0 && <Empty>No events yet.</Empty>}
    </Card>
  );
}

export function Contracts() {
  const registry = usePoll('contracts', EVERY_MS, askRegistry);
  const kinds = usePoll('kinds', 2 * EVERY_MS, askKinds);
  const [chosen, choose] = useState<Chosen>(null);
  const kept = registry.value;
  return (
    <>
      {kept && <Agreed registry={kept} chosen={chosen} choose={choose} />}
      {kept && (
        <Schema
          chosen={chosen}
          done={() => {
            choose(null);
            registry.again();
          }}
        />
      )}
      {kept && <Breaches registry={kept} />}
      <Kinds list={kinds.value} />
      {registry.known && kept === null && (
        <p class="hint">This server has no contract registry: every item that the vocabulary can read is taken.</p>
      )}
    </>
  );
}
