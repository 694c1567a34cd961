import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Line {
  readonly label: string;
  /** The name of a colour of the style sheet. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  /** What it shows, with the last values, for who cannot see it. */
  readonly summary: string;
  /** Milliseconds since 1970. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
}

const HEIGHT = 180;
/** What a single moment has around it. */
const LONE_SECONDS = 300;

/** Lines over time. The scale is the canvas' own, colours are those of the page. */
export function Chart({ summary, at, lines }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data: uPlot.AlignedData = [at.map((instant) => instant / 1000), ...lines.map(({ values }) => [...values])];
  const kind = lines.map(({ label }) => label).join();
  useEffect(() => {
    const element = host.current as HTMLDivElement;
    const chart = plot.current = new uPlot(optionsOf(lines, element), data, element);
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [kind]);
  useEffect(() => plot.current?.setData(data), [at, lines]);
  return (
    <figure class="chart">
      <figcaption>{lines.map(({ label, color }) => <span key={label} class={`key ${color}`}>{label}</span>)}</figcaption>
      <div ref={host} role="img" aria-label={summary} />
    </figure>
  );
}

function optionsOf(lines: readonly Line[], element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): (() => string) => () => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: color('quiet'), grid: { stroke: color('line'), width: 1 }, ticks: { stroke: color('line'), width: 1 }, font: '11px system-ui' };
  return {
    width: Math.max(element.clientWidth, 100), height: HEIGHT, legend: { show: false }, cursor: { show: false },
    scales: { x: { range: (_, least, most) => (most > least ? [least, most] : [least - LONE_SECONDS, least + 1]) }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [axis, { ...axis, size: 46 }],
    series: [{}, ...lines.map(({ label, color: name }) => ({ label, stroke: color(name), width: 2, points: { show: ({ data }: uPlot) => data[0].length < 2 } }))],
  };
}
