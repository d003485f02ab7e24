import type { Action } from '../api';
import { Card, Empty } from '../card';
import * as format from '../format';
import { actions, nowMs, second } from '../shop';
import { useTopic } from '../topic';

const NAMES: Record<string, string> = { cart_abandoned: 'Cart abandoned', cart_abandonment_cancelled: 'Came back' };
const DELIVERY = { none: '', pending: 'to deliver', delivered: 'delivered', failed: 'failed' };
const CLASSES = { none: '', pending: 'warn', delivered: 'good', failed: 'bad' };

function Line({ action }: { action: Action }) {
  const lines = action.payload.lines ?? [];
  const items = lines.map((line) => line.name || line.product_id).filter(Boolean).join(', ');
  const delivery = action.delivery;
  return (
    <li>
      <span class="what">
        <b>{NAMES[action.kind] ?? format.words(action.kind)}</b>
        <span class="soft" title={items}>{items || action.visitor_id}</span>
      </span>
      <span class="worth">
        <b>{action.payload.value ? format.money(action.payload.value) : ''}</b>
        <span class="soft">
          {delivery && delivery.state !== 'none' && (
            <span class={`state ${CLASSES[delivery.state]}`} title={delivery.last_error ?? ''}>
              {DELIVERY[delivery.state]}
            </span>
          )}
          {format.age(nowMs() - Date.parse(action.at))} ago
        </span>
      </span>
    </li>
  );
}

export function Actions() {
  const list = useTopic(actions);
  useTopic(second);
  return (
    <Card id="actions" title="Actions" note="abandoned carts">
      <ol class="feed" tabIndex={0} aria-label="Actions, newest first">
        {list?.map((action) => <Line key={action.id} action={action} />)}
      </ol>
      {list?.length === 0 && (
        <Empty>No actions yet. A cart left alone without an order becomes one.</Empty>
      )}
    </Card>
  );
}
