import { Card, Empty } from '../card';
import * as format from '../format';
import { pauseSessions, sessions, SESSIONS_SHOWN } from '../shop';
import { useTopic } from '../topic';

const LEVELS = ['landing', 'browse', 'product_view', 'add_to_cart', 'checkout', 'payment', 'purchase'];

function Level({ level }: { level: string }) {
  const reached = LEVELS.indexOf(level);
  return (
    <span class="level">
      <span class="dots" aria-hidden="true">
        {LEVELS.map((name, index) => <i key={name} class={index <= reached ? 'on' : ''} />)}
      </span>
      {format.words(level)}
    </span>
  );
}

export function Sessions() {
  const list = useTopic(sessions);
  return (
    <Card id="sessions" title="Sessions" note="latest change first; point at the list to hold it">
      <div onPointerEnter={() => pauseSessions(true)} onPointerLeave={() => pauseSessions(false)}>
        <table class="live">
          <caption>Recent sessions</caption>
          <thead>
            <tr>
              <th scope="col" class="w-state">state</th>
              <th scope="col" class="w-word">channel</th>
              <th scope="col" class="w-word">device</th>
              <th scope="col" class="w-short">from</th>
              <th scope="col" class="w-level">reached</th>
              <th scope="col" class="number w-count">events</th>
              <th scope="col" class="w-item">last item</th>
              <th scope="col">entered at</th>
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: SESSIONS_SHOWN }, (_, index) => {
              const one = list?.[index];
              if (!one) return <tr key={index}><td colSpan={8}>{'\u00a0'}</td></tr>;
              return (
                <tr key={index} title={`Visitor ${one.visitor_id}, entered at ${one.entry_page || 'an unknown page'}`}>
                  <td><span class={`state ${one.state === 'open' ? 'good' : ''}`}>{one.state}</span></td>
                  <td>{one.channel}</td>
                  <td>{one.device}</td>
                  <td>{one.country || format.NONE}</td>
                  <td><Level level={one.level} /></td>
                  <td class="number">{format.count(one.events)}</td>
                  <td>{one.last_item ?? format.NONE}</td>
                  <td class="soft">{one.entry_page || format.NONE}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {list?.length === 0 && <Empty>No sessions yet. The first event of a visitor opens one.</Empty>}
    </Card>
  );
}
