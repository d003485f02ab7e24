import { useRef, useState } from 'preact/hooks';
import { get, Refusal, type Ledger, type LedgerRow, type Recent, type SourceDetail, type SourceDetails } from '../api';
import { Bar, Card, Empty } from '../card';
import { CopyButton } from '../copy_button';
import * as format from '../format';
import { usePoll } from '../poll';
import { nowMs, second, status } from '../shop';
import { useTopic } from '../topic';

const HOUR_MS = 3_600_000;
const QUIET_MS = 5 * 60_000;

interface Source {
  name: string;
  day: LedgerRow | undefined;
  hour: number;
  lastAt: number | null;
  lastEvent: string;
  detail: SourceDetail | undefined;
}

interface Answers {
  day: Ledger;
  hour: Ledger;
  recent: Recent;
  details: SourceDetails;
}

// Figures are for more people than single items are.
function unseen(failure: Error): Recent {
  if (failure instanceof Refusal && failure.status === 403) return { items: [], newest: 0, skipped: 0 };
  throw failure;
}

async function ask(): Promise<Answers> {
  const [day, hour, recent, details] = await Promise.all([
    get<Ledger>('/v1/ledger?step=range'),
    get<Ledger>(`/v1/ledger?step=range&from=${Math.floor(nowMs() - HOUR_MS)}&to=${Math.ceil(nowMs() + HOUR_MS)}`),
    get<Recent>('/v1/events/recent?n=500').catch(unseen),
    get<SourceDetails>('/v1/sources'),
  ]);
  return { day, hour, recent, details };
}

function sourcesOf(names: string[], answers: Answers | null): Source[] {
  const all = new Set([...names.filter(Boolean), ...(answers?.details.sources.map((detail) => detail.name) ?? []), ...(answers?.day.rows.map((row) => row.source) ?? [])]);
  return [...all].map((name) => {
    const last = answers?.recent.items.find((item) => item.source === name);
    return {
      name,
      day: answers?.day.rows.find((row) => row.source === name),
      hour: answers?.hour.rows.find((row) => row.source === name)?.received ?? 0,
      lastAt: last ? Date.parse(last.at) : null,
      lastEvent: last ? last.event || last.reason : '',
      detail: answers?.details.sources.find((detail) => detail.name === name),
    };
  }).sort((a, b) => (b.day?.received ?? 0) - (a.day?.received ?? 0) || a.name.localeCompare(b.name));
}

const sumOf = (refused: Record<string, number>): number => Object.values(refused).reduce((sum, requests) => sum + requests, 0);
const reasons = (refused: Record<string, number>): string =>
  Object.entries(refused).map(([code, requests]) => `${format.count(requests)} ${format.words(code)}`).join('\n');

// Requests that were turned away as a whole, and why.
function Refused({ refused }: { refused: Record<string, number> | undefined }) {
  if (!refused) return <>{format.NONE}</>;
  const sum = sumOf(refused);
  return sum === 0 ? <>0</> : <b class="low" title={reasons(refused)}>{format.count(sum)}</b>;
}

// Where its data may be stored; what is sent here for another region is refused.
function Region({ detail, here }: { detail: SourceDetail | undefined; here: string | null }) {
  if (!detail) return <>{format.NONE}</>;
  if (detail.region === null) return <span class="soft" title="Its data may be stored anywhere">any</span>;
  return detail.region === here
    ? <>{detail.region}</>
    : <span class="state warn" title={`This server stores ${here ?? 'for no region'}: it takes nothing of this source`}>{detail.region}</span>;
}

// What the source may send: its quota, and the pages it may send from.
function Limits({ detail }: { detail: SourceDetail | undefined }) {
  if (!detail) return <>{format.NONE}</>;
  const quota = detail.events_per_s > 0 ? `${format.count(detail.events_per_s)}/s, ${format.count(detail.burst)} at once` : 'no quota';
  const pages = detail.origins.length === 0 ? 'any page' : `${detail.origins.length} ${detail.origins.length === 1 ? 'origin' : 'origins'}`;
  return (
    <span title={detail.origins.join('\n')}>
      {quota}; {pages}{detail.precedence > 0 && `; precedence ${detail.precedence}`}
    </span>
  );
}

function State({ source }: { source: Source }) {
  if (source.detail && !source.detail.enabled) return <span class="state warn">disabled</span>;
  if (source.lastAt === null) return <span class="state">nothing seen</span>;
  const since = nowMs() - source.lastAt;
  return since < QUIET_MS ? <span class="state good">receiving</span> : <span class="state warn">quiet</span>;
}

function Row({ source, most, region }: { source: Source; most: number; region: string | null }) {
  const day = source.day;
  const dropped = day ? day.suppressed + day.bot + day.consent_dropped : 0;
  const number = (value: number | undefined) => (day && value !== undefined ? format.count(value) : format.NONE);
  return (
    <tr>
      <th scope="row"><a href={`#/live?source=${encodeURIComponent(source.name)}`}>{source.name}</a></th>
      <td><State source={source} /></td>
      <td class="wide"><Bar part={day?.received ?? 0} of={most} /></td>
      <td class="number strong">{number(day?.received)}</td>
      <td class="number">{number(source.hour)}</td>
      <td class="number">{day ? format.fineShare(day.accepted, day.received) : format.NONE}</td>
      <td class="number">{number(day?.duplicate)}</td>
      <td class={`number ${day && day.quarantined > 0 ? 'low' : ''}`}>
        {day && day.quarantined > 0
          ? <a href={`#/quarantine?source=${encodeURIComponent(source.name)}`}>{format.count(day.quarantined)}</a>
          : number(day?.quarantined)}
      </td>
      <td class="number">{number(dropped)}</td>
      <td class="number"><Refused refused={source.detail?.requests_refused} /></td>
      <td><Region detail={source.detail} here={region} /></td>
      <td class="soft"><Limits detail={source.detail} /></td>
      <td class="soft">
        {source.lastAt === null ? format.NONE : `${format.words(source.lastEvent)}, ${format.age(nowMs() - source.lastAt)} ago`}
      </td>
    </tr>
  );
}

const WAYS: Record<string, () => string> = {
  'browser tag': () => `<script async src="${location.origin}/millrace.js"
  data-write-key="WRITE_KEY"></script>
<script>
  window.millrace = window.millrace || [];
  // Once the visitor has agreed:
  millrace.push(['consent', { analytics: true, personalisation: true }]);
  millrace.push(['product', { product_id: 'tea-1', price: 3.5, currency: 'EUR' }]);
</script>`,
  'Segment for Node': () => `import { Analytics } from '@segment/analytics-node';
const analytics = new Analytics({ writeKey: 'WRITE_KEY', host: '${location.origin}' });
analytics.track({ anonymousId: 'anna', event: 'Product Viewed',
  properties: { product_id: 'tea-1', price: 3.5, currency: 'EUR' } });`,
  curl: () => `curl -u WRITE_KEY: ${location.origin}/v1/track -d '{"event":"Product Viewed","anonymousId":"anna",
  "properties":{"product_id":"tea-1","price":3.5,"currency":"EUR"}}'`,
  'write key': () => `# A source of its own, with a quota and for pages of one origin, while the server runs.
millrace write-keys create --source web --origin https://shop.example \\
  --events-per-s 200 --data DATA_DIRECTORY`,
  settings: () => `# A source of its own: in the settings file, then start again.
[[source]]
name = "web"
write_key = "WRITE_KEY"`,
};

function Connect() {
  const [way, choose] = useState('browser tag');
  const text = useRef<HTMLElement>(null);
  const snippet = WAYS[way]!();
  return (
    <Card
      id="connect" title="Connect one more"
      note={
        <>
          <fieldset class="switch">
            <legend>How it sends</legend>
            {Object.keys(WAYS).map((name) => (
              <label key={name}>
                <input type="radio" name="way" value={name} checked={way === name} onChange={() => choose(name)} />
                <span>{name}</span>
              </label>
            ))}
          </fieldset>
          <CopyButton label="Copy" text={() => snippet} shown={() => text.current} />
        </>
      }
    >
      <pre tabIndex={0} aria-label="How to connect"><code ref={text}>{snippet}</code></pre>
    </Card>
  );
}

export function Sources() {
  const names = useTopic(status)?.sources ?? [];
  useTopic(second);
  const { value, failure } = usePoll('sources', 3000, ask);
  const list = sourcesOf(names, value);
  const most = Math.max(1, ...list.map((source) => source.day?.received ?? 0));
  return (
    <>
      <Card id="sources" title="Sources" note={failure ? <span class="state bad">{failure.message}</span> : 'last 24 hours of event time'}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Sources">
          <table class="wide-table">
            <caption>Sources and what they sent</caption>
            <thead>
              <tr>
                <th scope="col" class="w-name">source</th>
                <th scope="col" class="w-mark">state</th>
                <th class="wide" />
                <th scope="col" class="number">received</th>
                <th scope="col" class="number">last hour</th>
                <th scope="col" class="number">accepted</th>
                <th scope="col" class="number">duplicate</th>
                <th scope="col" class="number">quarantined</th>
                <th scope="col" class="number" title="Suppressed, bots, and no consent">dropped</th>
                <th scope="col" class="number" title="Requests turned away as a whole since the server's start: nothing of them was stored, and the ledger has none of them">refused</th>
                <th scope="col" class="w-region" title="Where its data may be stored">region</th>
                <th scope="col" class="w-last" title="Events a second and at once, the pages it may send from, and whether it is believed over others that tell of the same order">limits</th>
                <th scope="col" class="w-last">last item</th>
              </tr>
            </thead>
            <tbody>{list.map((source) => <Row key={source.name} source={source} most={most} region={value?.details.region ?? null} />)}</tbody>
          </table>
        </div>
        {value && sumOf(value.details.requests_refused_of_nobody) > 0 && (
          <p class="hint" id="nobody" title={reasons(value.details.requests_refused_of_nobody)}>
            {format.count(sumOf(value.details.requests_refused_of_nobody))} requests were refused that did not show whose they are.
          </p>
        )}
        {value && (
          <p class="hint" id="since">
            Refused requests are counted since the server's start: {format.date(Date.parse(value.details.requests_refused_since))}, {format.time(Date.parse(value.details.requests_refused_since))}.
          </p>
        )}
        {value && list.length === 0 && <Empty>No sources yet. Below is how to connect the first.</Empty>}
      </Card>
      <Connect />
    </>
  );
}
