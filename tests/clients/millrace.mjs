// What the tests ask of the server at MILLRACE_URL.
import assert from 'node:assert/strict';

export const url = process.env.MILLRACE_URL;
assert.ok(url, 'MILLRACE_URL names the server');

const VISIBLE_DEADLINE_MS = 20_000;

export async function get(path) {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json() };
}

// Views follow the 200 within milliseconds; the deadline is for a machine that is busy.
export async function eventually(read, accept) {
  const end = Date.now() + VISIBLE_DEADLINE_MS;
  let last;
  while (Date.now() < end) {
    last = await read();
    if (accept(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`not seen in time; the last answer was ${JSON.stringify(last)}`);
}

export async function sql(statement) {
  const response = await fetch(`${url}/v1/sql`, { method: 'POST', body: JSON.stringify({ sql: statement }) });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  const names = answer.columns.map((column) => column.name ?? column);
  return answer.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
}

// The canonical events of a visitor, in order.
export function eventsOf(visitor) {
  return sql(`select * from conformed.events where visitor_id = '${visitor.replaceAll("'", "''")}' order by event_time`);
}

// The ids that de-duplication uses, of a visitor's events: each item has one, whatever its dialect.
export async function idsOf(visitor) {
  const rows = await sql(`select r.message_id from conformed.events e join raw.events r using (partition, "offset")
    where e.visitor_id = '${visitor.replaceAll("'", "''")}' order by e.event_time`);
  const ids = rows.map((row) => row.message_id);
  assert.ok(ids.length > 0 && ids.every((id) => typeof id === 'string' && id !== ''), JSON.stringify(ids));
  assert.equal(new Set(ids).size, ids.length);
  return ids;
}
