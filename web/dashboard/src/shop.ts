// What the page knows of the shop, and how it comes to know it: one event stream, and polls for the rest.
import { look } from './access';
import { get, locked } from './api';
import type {
  Action, Funnel, FunnelBy, Items, Lake, Ledger, Product, Pulse, Readiness, Session, Status, TrendingItem,
} from './api';
import { route } from './route';
import { Series } from './series';
import { Topic } from './topic';

export type Connection = 'connecting' | 'live' | 'gone';

export const SESSIONS_SHOWN = 8;
const ACTIONS_SHOWN = 12;
// The stream pulses five times a second; silence this long means the connection is dead.
const SILENCE_MS = 5000;
const RECONNECT_MS_MAX = 8000;
const SESSIONS_KEPT = 32;

export const connection = new Topic<Connection>('connecting');
export const lostAt = new Topic<number | null>(null);
export const pulse = new Topic<Pulse | null>(null);
export const sessions = new Topic<Session[] | null>(null);
export const products = new Topic<Product[] | null>(null);
export const trending = new Topic<TrendingItem[] | null>(null);
export const funnelBy = new Topic<FunnelBy>('channel');
export const funnel = new Topic<Funnel | null>(null);
export const ledger = new Topic<Ledger | null>(null);
export const actions = new Topic<Action[] | null>(null);
export const lake = new Topic<Lake | null>(null);
export const status = new Topic<Status | null>(null);
export const readiness = new Topic<Readiness | null>(null);
// Changes once a second: what charts and ages redraw by.
export const second = new Topic(Math.floor(Date.now() / 1000));

export const rates = new Series(1);
export const latencies = { ack: new Series(2), visible: new Series(2) };

// The server's clock less this machine's, so that ages are right on a machine whose clock is wrong.
let skewMs = 0;
export const nowMs = (): number => Date.now() + skewMs;

let paused = false;
let sessionsKnown = false;
let latestSessions: Session[] = [];

// While somebody points at the list, it holds still.
export function pauseSessions(pause: boolean): void {
  paused = pause;
}

function takePulse(next: Pulse): void {
  const at = Date.parse(next.at);
  skewMs = at - Date.now();
  const atSecond = Math.floor(at / 1000);
  rates.add(atSecond, [next.events_per_s]);
  // Zero says that nothing was measured yet.
  const measured = (value: number): number | null => (value > 0 ? value : null);
  latencies.ack.add(atSecond, [measured(next.ack_p50_ms), measured(next.ack_p99_ms)]);
  latencies.visible.add(atSecond, [measured(next.visible_p50_ms), measured(next.visible_p99_ms)]);
  pulse.set(next);
}

function takeSession(next: Session): void {
  latestSessions = [next, ...latestSessions.filter((one) => one.session_id !== next.session_id)]
    .slice(0, SESSIONS_KEPT);
}

function takeAction(next: Action): void {
  const known = actions.value ?? [];
  if (known.some((one) => one.id === next.id)) return;
  actions.set([next, ...known].slice(0, ACTIONS_SHOWN));
}

class Stream {
  private source: EventSource | null = null;
  private heardAt = 0;
  private openAt = 0;
  private waitMs = 1000;

  constructor(private readonly returned: () => void) {}

  // Called once a second: opens the stream when it is due, gives it up when it is silent.
  tick(): void {
    const now = Date.now();
    if (locked.value) return this.rest();
    if (this.source && now - this.heardAt > SILENCE_MS) this.lose();
    if (!this.source && now >= this.openAt) this.open();
  }

  // Nothing is asked until somebody has signed in.
  private rest(): void {
    this.source?.close();
    this.source = null;
    this.openAt = 0;
    this.waitMs = 1000;
    lostAt.set(null);
    connection.set('connecting');
  }

  private open(): void {
    const source = new EventSource('/v1/live');
    this.source = source;
    this.heardAt = Date.now();
    const on = <T>(name: string, take: (body: T) => void): void =>
      source.addEventListener(name, (event) => {
        this.heard();
        take(JSON.parse((event as MessageEvent<string>).data) as T);
      });
    on('pulse', takePulse);
    on('session', takeSession);
    on<Items<Product>>('products', (body) => products.set(body.items));
    on<Items<TrendingItem>>('trending', (body) => trending.set(body.items));
    on('funnel', () => void refreshFunnel());
    on('action', takeAction);
    // Reconnecting is done here and not by the browser, which stops for good after an answer such as 503. A stream does not say that
    // its token was revoked; who is asked for one does.
    source.onerror = () => {
      this.lose();
      void look().catch(() => undefined);
    };
  }

  private heard(): void {
    this.heardAt = Date.now();
    this.waitMs = 1000;
    if (connection.value === 'live') return;
    const again = connection.value === 'gone';
    connection.set('live');
    lostAt.set(null);
    if (again) this.returned();
  }

  private lose(): void {
    this.source?.close();
    this.source = null;
    this.openAt = Date.now() + this.waitMs;
    this.waitMs = Math.min(RECONNECT_MS_MAX, this.waitMs * 2);
    if (connection.value !== 'gone') lostAt.set(Date.now());
    connection.set('gone');
  }
}

let funnelPending = false;

export async function refreshFunnel(): Promise<void> {
  if (funnelPending) return;
  funnelPending = true;
  const by = funnelBy.value;
  try {
    const answer = await get<Funnel>(`/v1/funnel?by=${by}`);
    if (by === funnelBy.value) funnel.set(answer);
  } catch {
    // The header says that the server is gone.
  } finally {
    funnelPending = false;
    if (by !== funnelBy.value) void refreshFunnel();
  }
}

export function chooseFunnel(by: FunnelBy): void {
  funnelBy.set(by);
  void refreshFunnel();
}

interface Poll {
  every_s: number;
  // Needed on every page, not on the overview alone.
  everywhere?: true;
  run: () => Promise<void>;
}

const polls: Poll[] = [
  { every_s: 2, run: async () => ledger.set(await get<Ledger>('/v1/ledger?step=range')) },
  { every_s: 3, everywhere: true, run: async () => status.set(await get<Status>('/v1/status')) },
  { every_s: 3, everywhere: true, run: async () => readiness.set(await get<Readiness>('/readyz', [503])) },
  { every_s: 5, run: async () => lake.set(await get<Lake>('/v1/lake')) },
  {
    every_s: 5,
    run: async () => actions.set((await get<Items<Action>>(`/v1/actions?n=${ACTIONS_SHOWN}`)).items),
  },
  { every_s: 5, run: refreshFunnel },
  {
    every_s: 15,
    run: async () => products.set((await get<Items<Product>>('/v1/products?sort=revenue&n=10')).items),
  },
  {
    // The stream samples sessions; this fills in those it left out.
    every_s: 2,
    run: async () => {
      latestSessions = (await get<Items<Session>>(`/v1/sessions?n=${SESSIONS_SHOWN}`)).items;
      sessionsKnown = true;
    },
  },
];

function runPoll(poll: Poll): void {
  // A poll that fails shows the last answer; the stream decides whether the server is gone.
  poll.run().catch(() => undefined);
}

function ask(all: boolean): void {
  if (locked.value) return;
  polls.forEach((poll, at) => {
    if (!poll.everywhere && route.value.page !== 'overview') return;
    if (all || (second.value + at) % poll.every_s === 0) runPoll(poll);
  });
}

// Whether a token is wanted is asked first, so that nothing is asked in vain; a server that cannot say is asked all the same.
export async function start(): Promise<void> {
  const stream = new Stream(() => ask(true));
  await look().catch(() => undefined);
  stream.tick();
  ask(true);
  route.watch(() => ask(true));
  locked.watch(() => {
    stream.tick();
    ask(true);
  });
  setInterval(() => {
    second.set(Math.floor(Date.now() / 1000));
    stream.tick();
    if (connection.value !== 'gone') ask(false);
    if (!paused && sessionsKnown) sessions.set(latestSessions.slice(0, SESSIONS_SHOWN));
  }, 1000);
}
