import { session, signOut } from '../access';
import * as format from '../format';
import { connection, lostAt, nowMs, pulse, readiness, second, status, type Connection } from '../shop';
import { route } from '../route';
import { useTopic } from '../topic';

const SAYS: Record<Connection, string> = { connecting: 'Connecting', live: 'Live', gone: 'Reconnecting' };

export const PAGES: [page: string, title: string][] = [
  ['overview', 'Overview'],
  ['live', 'Live'],
  ['sources', 'Sources'],
  ['ledger', 'Ledger'],
  ['quarantine', 'Quarantine'],
  ['contracts', 'Contracts'],
  ['privacy', 'Privacy'],
];

function Pages() {
  const { page } = useTopic(route);
  return (
    <nav class="pages" aria-label="Pages">
      {PAGES.map(([name, title]) => (
        <a key={name} href={name === 'overview' ? '#/' : `#/${name}`} aria-current={page === name ? 'page' : undefined}>{title}</a>
      ))}
    </nav>
  );
}

function SignedIn() {
  const who = useTopic(session);
  if (!who?.signed_in) return null;
  return (
    <p class="who">
      <b>{who.name}</b> {who.role}{' '}
      <button type="button" class="link" onClick={() => void signOut().catch(() => undefined)}>Sign out</button>
    </p>
  );
}

export function Header() {
  const state = useTopic(connection);
  const ready = useTopic(readiness);
  const about = useTopic(status);
  const beat = useTopic(pulse);
  useTopic(second);
  const known = state === 'live' && ready;
  const shop = !known ? 'Shop unknown' : ready.ready ? 'Ready' : 'Not ready';
  return (
    <header class="top">
      <h1>
        <img src="/favicon.svg" width="26" height="26" alt="" />
        Millrace
      </h1>
      <Pages />
      <p class="figure">
        <b>{beat ? format.count(beat.sessions_open) : format.NONE}</b> sessions open
      </p>
      <p class="figure">
        <b>{beat ? format.count(beat.reservations_open) : format.NONE}</b> stock reservations
      </p>
      <SignedIn />
      <span class="space" />
      <p class="clock">
        {about?.time === 'events' && <abbr title="Time is moved on by the events, not by the wall clock">event time</abbr>}
        <span>{format.date(nowMs())}</span>
        <time>{format.time(nowMs())}</time>
      </p>
      <p role="status" class="states">
        <span class={`state ${!known ? '' : ready.ready ? 'good' : 'bad'}`}>{shop}</span>
        <span class={`state ${state === 'live' ? 'good' : state === 'gone' ? 'bad' : ''}`}>{SAYS[state]}</span>
      </p>
    </header>
  );
}

export function Gone() {
  const since = useTopic(lostAt);
  if (since === null) return null;
  return (
    <p class="gone" role="alert">
      <b>The server does not answer</b> since {format.time(since)}. What you see is from before; the page
      reconnects by itself. Is <code>millrace</code> still running on {location.host}?
    </p>
  );
}
