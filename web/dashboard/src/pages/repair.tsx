import { useEffect, useState } from 'preact/hooks';
import { send } from '../api';
import { Card, Empty } from '../card';
import * as format from '../format';
import { pretty } from '../items';

interface Fix {
  action: 'rename' | 'cast' | 'default' | 'drop';
  pointer: string;
  to: string;
}

interface Replayed {
  dry_run: boolean;
  matched: number;
  more: boolean;
  sent: number;
  accepted: number;
  quarantined: number;
  dropped: number;
  not_repairable: number;
  items: { before: string; after: string | null; problem: string | null; faults: { pointer: string; message: string }[] }[];
}

const ASKS: Record<Fix['action'], string> = { rename: 'new name', cast: 'string, number, integer or boolean', default: 'value, as JSON', drop: '' };
const LIMIT = 500;

// What the API takes; throws when a default's value is no JSON.
function bodyOf(fix: Fix): Record<string, unknown> {
  const { action, pointer, to } = fix;
  if (action === 'default') return { action, pointer, value: JSON.parse(to) as unknown };
  return action === 'drop' ? { action, pointer } : { action, pointer, to };
}

interface Props {
  source: string;
  reason: string;
  pointer: string;
  done: () => void;
}

// A rule for all items of one reason: tried first, with what it would change, then done.
export function Repair({ source, reason, pointer, done }: Props) {
  const [fix, setFix] = useState<Fix>({ action: 'rename', pointer, to: '' });
  const [tried, setTried] = useState<Replayed | null>(null);
  const [said, say] = useState<{ good: boolean; text: string } | null>(null);
  const change = (part: Partial<Fix>) => {
    setFix({ ...fix, ...part });
    setTried(null);
  };
  useEffect(() => {
    change({ pointer });
    say(null);
  }, [source, reason, pointer]);
  const run = async (dry: boolean, fixes: boolean) => {
    try {
      const answer = await send<Replayed>('POST', '/v1/quarantine/replay', {
        filter: { ...(source ? { source } : {}), ...(reason ? { reason } : {}) },
        fixes: fixes ? [bodyOf(fix)] : [], dry_run: dry, limit: LIMIT,
      });
      if (dry) {
        setTried(answer);
        say(null);
        return;
      }
      setTried(null);
      say({
        good: answer.quarantined === 0,
        text: `${format.count(answer.sent)} sent again: ${format.count(answer.accepted)} accepted, ${format.count(answer.quarantined)} held back again${answer.dropped ? `, ${format.count(answer.dropped)} dropped for want of consent` : ''}.`,
      });
      done();
    } catch (failure) {
      say({ good: false, text: (failure as Error).message });
    }
  };
  const clean = tried?.items.filter((item) => !item.problem && item.faults.length === 0).length ?? 0;
  const sample = tried?.items[0];
  return (
    <Card id="repair" title="Repair and send again" note={reason ? `all ${format.words(reason)}` : 'choose a reason first'}>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          void run(true, true);
        }}
      >
        <label>
          Rule
          <select value={fix.action} disabled={!reason} onChange={(event) => change({ action: event.currentTarget.value as Fix['action'] })}>
            {Object.keys(ASKS).map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        <label class="grow">
          Field
          <input required disabled={!reason} value={fix.pointer} placeholder="/properties/price" onInput={(event) => change({ pointer: event.currentTarget.value })} />
        </label>
        {fix.action !== 'drop' && (
          <label class="grow">
            To
            <input required disabled={!reason} value={fix.to} placeholder={ASKS[fix.action]} onInput={(event) => change({ to: event.currentTarget.value })} />
          </label>
        )}
        <button type="submit" disabled={!reason}>Try</button>
        <button type="button" disabled={!tried || tried.matched === tried.not_repairable} onClick={() => void run(false, true)}>Send again</button>
        <button type="button" disabled={!reason} title="Under the contracts of now, unchanged" onClick={() => void run(false, false)}>As they are</button>
      </form>
      <p role="status" class={`said ${said && !said.good ? 'bad' : ''}`}>
        {said?.text ?? (tried && `${format.count(clean)} of the ${format.count(tried.items.length)} shown fit their contract; ${format.count(tried.matched)}${tried.more ? ' or more' : ''} match.`)}
      </p>
      <div class="before-after">
        <pre tabIndex={0} aria-label="Before"><code>{sample ? pretty(sample.before) : ''}</code></pre>
        <pre tabIndex={0} aria-label="After">
          <code>{sample ? (sample.problem ?? pretty(sample.after ?? '')) : ''}</code>
          {sample?.faults.map((fault) => <b key={fault.pointer + fault.message} class="low">{'\n'}{fault.pointer} {fault.message}</b>)}
        </pre>
      </div>
      {!sample && <Empty>Try a rule: it shows an item before and after, and changes nothing.</Empty>}
    </Card>
  );
}
