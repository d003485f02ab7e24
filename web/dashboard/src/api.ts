// The answers of Millrace's HTTP API, as far as the page shows them.
import { Topic } from './topic';

export interface Money {
  amount: string;
  currency: string;
}

export interface Verdicts {
  accepted: number;
  duplicate: number;
  quarantined: number;
  suppressed: number;
  bot: number;
  consent_dropped: number;
}

export interface Pulse {
  at: string;
  events_total: number;
  events_per_s: number;
  sessions_open: number;
  ack_p50_ms: number;
  ack_p99_ms: number;
  visible_p50_ms: number;
  visible_p99_ms: number;
  verdicts: Verdicts;
  lake: {
    rows_committed: number;
    rows_tail: number;
    last_commit_at: string | null;
    commit_lag_s: number;
    snapshots: number;
  };
  reservations_open: number;
}

export interface Session {
  session_id: string;
  visitor_id: string;
  state: 'open' | 'closed';
  channel: string;
  device: string;
  country: string;
  level: string;
  events: number;
  entry_page: string;
  started_at: string;
  last_item: string | null;
}

export interface Product {
  product_id: string;
  name: string;
  category: string;
  price: Money | null;
  views: number;
  carts: number;
  purchases: number;
  units_sold: number;
  revenue: Money | null;
  stock: { on_hand: number; reserved: number; available: number } | null;
}

export interface TrendingItem {
  product_id: string;
  name: string | null;
  category: string | null;
  score: number;
  events_per_hour: number;
  price: Money | null;
  available: number | null;
}

export type FunnelBy = 'channel' | 'device' | 'category';

export interface FunnelRow {
  channel?: string;
  device?: string;
  category?: string;
  sessions: number[];
}

export interface Funnel {
  from: string;
  to: string;
  by: FunnelBy[];
  steps: string[];
  rows: FunnelRow[];
  total: number[];
  complete: boolean;
}

// What consent decided: kept as it came, with ids as tokens, without ids, not at all.
export interface ConsentCounts {
  store: number;
  pseudonymise: number;
  anonymise: number;
  drop: number;
}

export interface LedgerRow extends Verdicts {
  source: string;
  minute: string;
  received: number;
  consent: ConsentCounts;
}

export interface Ledger {
  from: string;
  to: string;
  rows: LedgerRow[];
  total: Verdicts & { received: number; consent: ConsentCounts };
  closed: boolean;
  complete: boolean;
}

export interface Action {
  id: string;
  kind: string;
  visitor_id: string;
  at: string;
  payload: {
    value?: Money | null;
    lines?: { product_id?: string; name?: string | null; quantity?: number }[];
  };
  delivery?: { state: 'none' | 'pending' | 'delivered' | 'failed'; attempts: number; last_error: string | null };
}

export interface LakeTable {
  name: string;
  rows_committed: number;
  rows_tail: number;
  files: number;
  bytes: number;
}

export interface Lake {
  tables: LakeTable[];
  parquet_bytes: number;
  json_bytes: number;
  ratio: number | null;
}

export interface Status {
  version: string;
  started_at: string;
  uptime_s: number;
  time: 'wall' | 'events';
  fsync_p50_ms: number;
  fsync_p99_ms: number;
  sources: string[];
  journal: { bytes: number; segments: number; partitions: { name: string; end: number; applied: number }[] };
}

export interface SourceDetail {
  name: string;
  from: 'settings' | 'managed' | 'open';
  enabled: boolean;
  origins: string[];
  events_per_s: number;
  burst: number;
  precedence: number;
  region: string | null;
  requests_refused: Record<string, number>;
}

export interface SourceDetails {
  sources: SourceDetail[];
  region: string | null;
  requests_refused_of_nobody: Record<string, number>;
  requests_refused_since: string;
}

export interface Readiness {
  ready: boolean;
  reasons: string[];
  waiting: string[];
}

export interface Items<T> {
  items: T[];
}

export type Verdict = keyof Verdicts | 'refused';

export interface Item {
  sequence: number;
  source: string | null;
  verdict: Verdict;
  at: string;
  reason: string;
  pointer: string;
  detail: string;
  event: string;
  visitor_id: string;
  message_id: string;
  raw: string;
  canonical: Record<string, unknown> | null;
}

export interface Recent {
  items: Item[];
  newest: number;
  skipped: number;
}

export interface SqlAnswer {
  columns: { name: string; type: string }[];
  rows: unknown[][];
  truncated: boolean;
}

// What the server said instead of an answer.
export class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

const TIMEOUT_MS = 8000;

// The server asks for a token, and this browser has shown none that is good.
export const locked = new Topic(false);

async function answer<T>(path: string, request: RequestInit, also: number[]): Promise<T> {
  const response = await fetch(path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.ok && response.status === 204) return undefined as T;
  const body: unknown = await response.json().catch(() => null);
  if (response.ok || also.includes(response.status)) return body as T;
  if (response.status === 401) locked.set(true);
  const error = (body as { error?: { code: string; message: string; hint: string } } | null)?.error;
  throw new Refusal(response.status, error?.code ?? '', error ? `${error.message} ${error.hint}` : `${path}: ${response.status}`);
}

// Answers with a status of `also` carry a body worth reading, too.
export const get = <T>(path: string, also: number[] = []): Promise<T> =>
  answer<T>(path, { headers: { Accept: 'application/json' } }, also);

export const send = <T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> =>
  answer<T>(
    path,
    { method, headers: { 'Content-Type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) },
    [],
  );

// What this server answers: the paths of its description. Asked once, so that no page has to try.
let paths: Promise<Set<string>> | null = null;
export async function serves(path: string): Promise<boolean> {
  paths ??= get<{ paths: Record<string, unknown> }>('/openapi.json').then((description) => new Set(Object.keys(description.paths)));
  try {
    return (await paths).has(path);
  } catch (failure) {
    paths = null;
    throw failure;
  }
}

export const sql = (statement: string): Promise<SqlAnswer> => send<SqlAnswer>('POST', '/v1/sql', { sql: statement });
