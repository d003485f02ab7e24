import { Card } from '../card';
import { Chart } from '../chart';
import * as format from '../format';
import type { Series } from '../series';
import { latencies, pulse } from '../shop';
import { useTopic } from '../topic';

interface PairProps {
  title: string;
  explained: string;
  p50: number | undefined;
  p99: number | undefined;
  series: Series;
}

function Pair({ title, explained, p50, p99, series }: PairProps) {
  return (
    <div class="pair">
      <h3 title={explained}>{title}</h3>
      <dl>
        <div>
          <dt>p50</dt>
          <dd>{p50 === undefined ? format.NONE : format.milliseconds(p50)}<small>ms</small></dd>
        </div>
        <div class="slow">
          <dt>p99</dt>
          <dd>{p99 === undefined ? format.NONE : format.milliseconds(p99)}<small>ms</small></dd>
        </div>
      </dl>
      <div class="spark">
        <Chart series={series} colours={['--accent', '--slow']} axes={false} label={`${title}, p50 and p99`} />
      </div>
    </div>
  );
}

export function Latency() {
  const beat = useTopic(pulse);
  return (
    <Card id="latency" title="Latency" note="milliseconds, last 5 minutes">
      <Pair
        title="Acknowledged" explained="From the request to the answer that says the event is on disk"
        p50={beat?.ack_p50_ms} p99={beat?.ack_p99_ms} series={latencies.ack}
      />
      <Pair
        title="Event to view" explained="From the request to the event being visible in the answers of the API"
        p50={beat?.visible_p50_ms} p99={beat?.visible_p99_ms} series={latencies.visible}
      />
    </Card>
  );
}
