import type { ProcessesTopic } from '../../../lib/dashboard/answers.js';
import { bytes, count, duration, percent, rate } from '../format.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { Link, TaskLink } from '../parts/link.js';
import { Empty, Page, Section } from '../parts/page.js';
import { Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';

type Process = ProcessesTopic['rows'][number];
type Worker = Process['workers'][number] & { readonly process: Process };

export function Processes() {
  const { live: { topics: { processes } }, mayAct } = useScope();
  const workers = processes?.rows.flatMap((process) => process.workers.map((worker): Worker => ({ ...worker, process }))) ?? [];
  return (
    <Page title="Processes and workers">
      {processes === undefined ? <Empty>Asking the system ...</Empty> : (
        <>
          <Section title="Processes"><ProcessTable topic={processes} /></Section>
          <Section title="Workers">
            <Table caption="Workers" rows={workers} columns={mayAct ? [...WORKERS, PAUSING] : WORKERS} keyOf={({ name, process }) => `${process.id} ${name}`} empty="No worker." />
          </Section>
        </>
      )}
    </Page>
  );
}

export function ProcessTable({ topic }: { readonly topic: ProcessesTopic }) {
  return <Table caption="Processes" rows={topic.rows} columns={PROCESSES} keyOf={({ id }) => id} empty="No process has answered." total={topic.total} />;
}

const PROCESSES: readonly Column<Process>[] = [
  { title: 'Process', cell: ({ host, pid, role, status, seenAt, running }) => (
    <><b class="name">{host}:{pid}</b> <Badge state={status} /> <span class="quiet">{role}{status === 'lost' && <>, last heard of <When at={seenAt} /></>}</span>{running.length > 0 && <ul class="bare">{running.map((run) => <li key={run.uuid}>ran {run.name} <TaskLink uuid={run.uuid} /></li>)}</ul>}</>
  ) },
  { title: 'Connection', cell: ({ connection }) => <Badge state={connection} /> },
  { title: 'Started', cell: ({ startedAt }) => <When at={startedAt} /> },
  { title: 'Versions', cell: ({ versions: { dispatcher, node, nest } }) => <span class="quiet">{dispatcher}, Node {node}{nest !== undefined && `, Nest ${nest}`}</span> },
  { title: 'Memory', align: 'right', cell: ({ memory: { rssBytes, heapBytes } }) => <>{bytes(rssBytes)} <span class="quiet">heap {bytes(heapBytes)}</span></> },
  { title: 'CPU', align: 'right', cell: ({ cpu }) => percent(cpu) },
  { title: 'Loop lag', align: 'right', cell: ({ eventLoopLagMs: { p50, p99 } }) => <>{duration(p50)} <span class="quiet">p99 {duration(p99)}</span></> },
  { title: 'Workers', align: 'right', cell: ({ workers }) => count(workers.length) },
];

const WORKERS: readonly Column<Worker>[] = [
  { title: 'Worker', cell: ({ name, paused, consuming, process: { host, pid } }) => (
    <><b class="name">{name}</b> <span class="quiet">{host}:{pid}</span> {paused && <Badge state="paused" />} {!consuming && !paused && <Badge state="not consuming" />}</>
  ) },
  { title: 'Queue', cell: ({ queue }) => queue },
  { title: 'Running', align: 'right', cell: ({ name, running, limit }) => <Link to="running" params={{ worker: name }}>{running} of {limit}</Link> },
  { title: 'Waits here', align: 'right', cell: ({ waiting }) => count(waiting) },
  { title: 'Rate', align: 'right', cell: (worker) => rate(worker.rate) },
  { title: 'Since start', cell: ({ totals: { succeeded, failed, retried, cancelled } }) => <>{count(succeeded)} ok, {count(failed)} failed, {count(retried)} retried, {count(cancelled)} cancelled</> },
  { title: 'Tasks', cell: ({ tasks }) => <span class="quiet tasks">{tasks.slice(0, 20).join(', ')}{tasks.length > 20 && ` and ${tasks.length - 20} more`}</span> },
];

const PAUSING: Column<Worker> = {
  title: 'Actions',
  cell: ({ name, paused }) => (paused
    ? <ActionButton label="Resume" of={name} action="resume" fields={{ kind: 'worker', name }} />
    : <ActionButton label="Pause" of={name} action="pause" fields={{ kind: 'worker', name }} ask={{ title: `Pause the worker ${name}`, text: 'Workers of this name start nothing any more, in every process, until they are resumed.', reason: 'required' }} />),
};
