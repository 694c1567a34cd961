import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { OverviewTopic } from '../../../lib/dashboard/answers.js';
import type { TasksReport } from '../../../lib/inspection/model.js';
import { count, duration, rate } from '../format.js';
import { Chart } from '../parts/chart.js';
import { useScope } from '../parts/context.js';
import { Link } from '../parts/link.js';
import { Empty, Page, Section } from '../parts/page.js';
import { ProcessTable } from './processes.js';
import { QueueTable } from './queues.js';
import { Table, type Column } from '../parts/table.js';
import { When } from '../parts/shown.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;
const MOST_SHOWN = 20;

type TaskRow = TasksReport['tasks'][number];

export function Overview() {
  const { live: { topics: { overview, queues, processes } }, dispatcher, paused } = useScope();
  const { answer: tasks } = useRead<TasksReport>(dispatcher, 'tasks', {}, paused ? 0 : EVERY_MS);
  return (
    <Page title="Overview">
      {overview === undefined ? <Empty>Asking the system ...</Empty> : (
        <>
          <Tiles overview={overview} tasks={tasks} />
          <Charts overview={overview} />
        </>
      )}
      {tasks !== undefined && <Section title="Tasks"><Table caption="Tasks" rows={tasks.tasks.slice(0, MOST_SHOWN)} columns={TASKS} keyOf={({ name }) => name} empty="Nothing has ended yet." total={tasks.tasks.length} /></Section>}
      {queues !== undefined && <Section title="Queues"><QueueTable topic={queues} /></Section>}
      {processes !== undefined && <Section title="Processes"><ProcessTable topic={processes} /></Section>}
    </Page>
  );
}

const TASKS: readonly Column<TaskRow>[] = [
  { title: 'Task', cell: ({ name }) => <Link to="recent" params={{ name }}><b class="name">{name}</b></Link> },
  { title: 'Rate', align: 'right', cell: (task) => rate(task.rate) },
  { title: 'Since start', cell: ({ totals: { succeeded, failed, retried } }) => <>{count(succeeded)} ok, {count(failed)} failed, {count(retried)} retried</> },
  { title: 'Half within', align: 'right', cell: ({ durations }) => durationOf(durations, 'p50Ms') },
  { title: '95 %', align: 'right', cell: ({ durations }) => durationOf(durations, 'p95Ms') },
  { title: '99 %', align: 'right', cell: ({ durations }) => durationOf(durations, 'p99Ms') },
  { title: 'Last', cell: ({ lastEndedAt }) => <When at={lastEndedAt} /> },
];

function durationOf(durations: TaskRow['durations'], which: 'p50Ms' | 'p95Ms' | 'p99Ms'): string {
  return durations.count === 0 ? '–' : duration(durations[which]);
}

function Tiles({ overview, tasks }: { readonly overview: OverviewTopic; readonly tasks: TasksReport | undefined }) {
  const { waiting, delayed, undelivered, running, dead, processes, workers, points, minutes, paused } = overview;
  const last = points.at(-1);
  const hour = minutes.reduce((sum, { succeeded, failed }) => ({ ended: sum.ended + succeeded + failed, failed: sum.failed + failed }), { ended: 0, failed: 0 });
  return (
    <ul class="tiles">
      <Tile name="Throughput" value={last === undefined ? '–' : rate(last.succeeded + last.failed)} more={`${count(hour.ended)} in the last hour`} />
      <Tile name="Failures" value={last === undefined ? '–' : rate(last.failed)} more={<Link to="failures">{count(hour.failed)} in the last hour</Link>} tone={(last?.failed ?? 0) > 0 ? 'bad' : ''} />
      {tasks !== undefined && <Tile name="Duration" value={durationOf(tasks.overall.durations, 'p50Ms')} more={`p95 ${durationOf(tasks.overall.durations, 'p95Ms')}, p99 ${durationOf(tasks.overall.durations, 'p99Ms')}`} />}
      <Tile name="Running" value={count(running)} more={<Link to="running">see each</Link>} />
      <Tile name="Waiting" value={count(waiting)} more={`${count(delayed)} delayed`} />
      <Tile name="Dead letters" value={count(dead)} more={<Link to="dead">{undelivered > 0 ? `and ${count(undelivered)} undelivered` : 'look through them'}</Link>} tone={dead + undelivered > 0 ? 'bad' : ''} />
      <Tile name="Processes" value={count(processes.alive)} more={processes.lost > 0 ? `${processes.lost} lost` : `${workers} workers`} tone={processes.lost > 0 ? 'bad' : ''} />
      {paused > 0 && <Tile name="Paused queues" value={count(paused)} more={<Link to="controls">see why</Link>} tone="warn" />}
    </ul>
  );
}

function Tile({ name, value, more, tone = '' }: { readonly name: string; readonly value: string; readonly more: ComponentChildren; readonly tone?: string }) {
  return <li class={`tile ${tone}`}><span class="quiet">{name}</span><strong>{value}</strong><span class="quiet">{more}</span></li>;
}

function Charts({ overview: { points, minutes } }: { readonly overview: OverviewTopic }) {
  const at = useMemo(() => points.map((point) => point.at), [points]);
  const rates = useMemo(() => [
    { label: 'succeeded per second', color: 'good', values: points.map(({ succeeded }) => succeeded) },
    { label: 'failed per second', color: 'bad', values: points.map(({ failed }) => failed) },
    { label: 'retried per second', color: 'warn', values: points.map(({ retried }) => retried) },
  ], [points]);
  const backlog = useMemo(() => [
    { label: 'waiting', color: 'accent', values: points.map(({ waiting }) => waiting) },
    { label: 'running', color: 'good', values: points.map(({ running }) => running) },
  ], [points]);
  const minute = useMemo(() => [
    { label: 'succeeded per minute', color: 'good', values: minutes.map(({ succeeded }) => succeeded) },
    { label: 'failed per minute', color: 'bad', values: minutes.map(({ failed }) => failed) },
  ], [minutes]);
  const last = points.at(-1);
  const minuteAt = useMemo(() => minutes.map((each) => each.at), [minutes]);
  return (
    <div class="charts">
      <Chart at={at} lines={rates} summary={`Throughput of the last minutes; now ${rate(last?.succeeded ?? 0)} succeeded, ${rate(last?.failed ?? 0)} failed.`} />
      <Chart at={at} lines={backlog} summary={`Backlog of the last minutes; now ${count(last?.waiting ?? 0)} waiting, ${count(last?.running ?? 0)} running.`} />
      <Chart at={minuteAt} lines={minute} summary="Succeeded and failed tasks of each minute of the last hour." />
    </div>
  );
}
