import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import * as format from './format';
import { WINDOW_S, type Series } from './series';
import { nowMs, second } from './shop';

const darkness = matchMedia('(prefers-color-scheme: dark)');
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface Options {
  series: Series;
  colours: string[];
  label: string;
  axes: boolean;
}

function settings(options: Options, width: number, height: number): uPlot.Options {
  const axis: Partial<uPlot.Axis> = {
    stroke: () => colour('--muted'),
    font: '11px system-ui, sans-serif',
    ticks: { show: false },
    show: options.axes,
  };
  const now = () => Math.floor(nowMs() / 1000);
  return {
    width,
    height,
    padding: options.axes ? [6, 6, 0, 0] : [2, 2, 2, 2],
    legend: { show: false },
    cursor: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, range: () => [now() - WINDOW_S, now()] },
      y: { range: (_, __, most) => [0, Math.max(options.axes ? 5 : 1, (most ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis, size: 20, gap: 4, grid: { show: false },
        splits: () => [4, 3, 2, 1, 0].map((minutes) => now() - minutes * 60),
        values: (_, splits) => splits.map((at) => (now() - at < 30 ? 'now' : `−${Math.round((now() - at) / 60)} min`)),
        align: 2,
      },
      {
        ...axis, size: 40, gap: 6, space: 32,
        grid: { show: options.axes, stroke: () => colour('--line'), width: 1 },
        values: (_, splits) => splits.map((value) => format.short(value)),
      },
    ],
    series: [
      {},
      ...options.colours.map((name, at): uPlot.Series => ({
        stroke: () => colour(name),
        width: 1.6,
        points: { show: false },
        ...(at === 0 && options.axes ? { fill: () => colour('--accent-soft') } : {}),
      })),
    ],
  };
}

// A line chart of a series, redrawn once a second. It fills its parent, which has a fixed height.
export function Chart(options: Options) {
  const place = useRef<HTMLDivElement>(null);
  const { series, label } = options;
  useEffect(() => {
    const element = place.current!;
    const size = () => ({ width: Math.max(40, element.clientWidth), height: Math.max(20, element.clientHeight) });
    const data = (): uPlot.AlignedData => [series.times, ...series.lines] as uPlot.AlignedData;
    const first = size();
    const plot = new uPlot(settings(options, first.width, first.height), data(), element);
    const draw = () => plot.setData(data());
    const stop = second.watch(draw);
    const resized = new ResizeObserver(() => plot.setSize(size()));
    resized.observe(element);
    darkness.addEventListener('change', draw);
    return () => {
      stop();
      resized.disconnect();
      darkness.removeEventListener('change', draw);
      plot.destroy();
    };
  }, [series]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}
