import { Card } from '../card';
import * as format from '../format';
import { connection, lake, nowMs, pulse, readiness, second, status } from '../shop';
import { useTopic } from '../topic';

// Commits are due every few seconds while there is a tail; a minute without one deserves a look.
const STALE_MS = 60_000;

export function LakeCard() {
  const beat = useTopic(pulse);
  const tables = useTopic(lake);
  useTopic(second);
  const committedAt = beat?.lake.last_commit_at ? Date.parse(beat.lake.last_commit_at) : null;
  const since = committedAt === null ? null : nowMs() - committedAt;
  const stale = since !== null && since > STALE_MS && (beat?.lake.rows_tail ?? 0) > 0;
  const bytes = tables?.parquet_bytes ?? 0;
  return (
    <Card
      id="lake" title="Lake"
      note={tables && tables.ratio !== null ? `${format.bytes(bytes)} Parquet, ${format.share(tables.ratio, 1)} of its JSON` : ''}
    >
      <dl class="facts">
        <div><dt title="Rows committed to the Iceberg tables">committed</dt><dd>{beat ? format.short(beat.lake.rows_committed) : format.NONE}</dd></div>
        <div><dt title="Rows that wait for the next commit; queries see them already">in the tail</dt><dd>{beat ? format.short(beat.lake.rows_tail) : format.NONE}</dd></div>
        <div>
          <dt>last commit</dt>
          <dd class={stale ? 'low' : ''}>{since === null ? 'none' : `${format.age(since)} ago`}</dd>
        </div>
        <div><dt>snapshots</dt><dd>{beat ? format.count(beat.lake.snapshots) : format.NONE}</dd></div>
      </dl>
    </Card>
  );
}

export function Health() {
  const about = useTopic(status);
  const ready = useTopic(readiness);
  const state = useTopic(connection);
  useTopic(second);
  const behind = about ? about.journal.partitions.reduce((sum, one) => sum + Math.max(0, one.end - one.applied), 0) : 0;
  const reasons = state === 'gone' ? ['The server does not answer.'] : [...(ready?.reasons ?? []), ...(ready?.waiting ?? [])];
  return (
    <Card id="health" title="Health" note={about ? `version ${about.version}` : ''}>
      <dl class="facts">
        <div><dt>fsync p99</dt><dd>{about ? `${format.milliseconds(about.fsync_p99_ms)} ms` : format.NONE}</dd></div>
        <div><dt>journal</dt><dd>{about ? format.bytes(about.journal.bytes) : format.NONE}</dd></div>
        <div><dt title="Journal records that the views do not show yet">behind</dt><dd>{about ? format.count(behind) : format.NONE}</dd></div>
        <div><dt>up for</dt><dd>{about ? format.age(nowMs() - Date.parse(about.started_at)) : format.NONE}</dd></div>
      </dl>
      <p class={`reasons ${reasons.length > 0 ? 'bad' : ''}`}>
        {reasons.length > 0 ? reasons.join(' · ') : ready?.ready ? 'Ready: nothing stands in the way.' : ''}
      </p>
    </Card>
  );
}
