import { useRef } from 'preact/hooks';
import { Card } from '../card';
import { Chart } from '../chart';
import { CopyButton } from '../copy_button';
import * as format from '../format';
import { pulse, rates } from '../shop';
import { useTopic } from '../topic';

const example = (): string => `curl ${location.origin}/v1/batch -H 'Content-Type: application/json' -d '{"batch":[
  {"type":"track","event":"Product Viewed","anonymousId":"me","properties":
    {"product_id":"shoe-1","name":"Trail shoe","category":"shoes","price":89.90,"currency":"EUR"}}]}'`;

function FirstEvent() {
  const text = useRef<HTMLElement>(null);
  return (
    <div class="first">
      <p>
        No events yet. Send one: <CopyButton label="Copy" text={example} shown={() => text.current} />
      </p>
      <pre tabIndex={0} aria-label="A command that sends an event"><code ref={text}>{example()}</code></pre>
    </div>
  );
}

export function Rate() {
  const beat = useTopic(pulse);
  return (
    <Card id="rate" title="Events per second" note="last 5 minutes">
      <p class="big">
        <b>{beat ? format.rate(beat.events_per_s) : format.NONE}</b>
        <span>{beat ? `${format.count(beat.events_total)} in all` : ''}</span>
      </p>
      <div class="canvas">
        <Chart series={rates} colours={['--accent']} axes label="Events per second over the last five minutes" />
        {beat?.events_total === 0 && <FirstEvent />}
      </div>
    </Card>
  );
}
