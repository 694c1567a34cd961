import type { QueuesTopic } from '../../../lib/dashboard/answers.js';
import { count, duration } from '../format.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { Link } from '../parts/link.js';
import { Empty, Page } from '../parts/page.js';
import { Badge } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';

type Queue = QueuesTopic['rows'][number];

export function Queues() {
  const { live: { topics: { queues } } } = useScope();
  return (
    <Page title="Queues" intro="Waiting tasks are those that no worker holds. Counts of what ended are those of the workers that live.">
      <Filters filters={[{ name: 'queue', label: 'Name contains' }]} />
      {queues === undefined ? <Empty>Asking the system ...</Empty> : (
        <>
          <QueueTable topic={queues} withActions />
          <p class="quiet">{count(queues.delayed)} delayed for whatever queue; {count(queues.undelivered)} undelivered.</p>
        </>
      )}
    </Page>
  );
}

export function QueueTable({ topic, withActions = false }: { readonly topic: QueuesTopic; readonly withActions?: boolean }) {
  const { params: { queue = '' }, mayAct } = useScope();
  const rows = withActions ? topic.rows.filter(({ name }) => name.toLowerCase().includes(queue.toLowerCase())) : topic.rows;
  const columns = withActions && mayAct ? [...COLUMNS, ACTIONS] : COLUMNS;
  return <Table caption="Queues" rows={rows} columns={columns} keyOf={({ name }) => name} empty="No queue." total={withActions && queue !== '' ? rows.length : topic.total} />;
}

const COLUMNS: readonly Column<Queue>[] = [
  { title: 'Queue', cell: ({ name, type, pause }) => (
    <>
      <b class="name">{name}</b> {type !== undefined && <span class="quiet">{type}</span>}
      {pause !== undefined && <><Badge state="paused" /> <span class="quiet">by {pause.by}: {pause.reason}</span></>}
    </>
  ) },
  { title: 'Waiting', align: 'right', cell: ({ name, waiting }) => <Link to="waiting" params={{ queue: name }}>{count(waiting)}</Link> },
  { title: 'In hands', align: 'right', cell: ({ unacknowledged }) => count(unacknowledged) },
  { title: 'Running', align: 'right', cell: ({ name, running }) => <Link to="running" params={{ queue: name }}>{count(running)}</Link> },
  { title: 'Dead', align: 'right', cell: ({ name, dead }) => <Link to="dead" params={{ queue: name }}>{count(dead)}</Link> },
  { title: 'Consumers', align: 'right', cell: ({ consumers }) => <span class={consumers === 0 ? 'bad-text' : ''}>{count(consumers)}</span> },
  { title: 'Oldest waits', align: 'right', cell: ({ oldestWaitMs }) => duration(oldestWaitMs) },
  { title: 'Last waited', align: 'right', cell: ({ lastWaitMs }) => duration(lastWaitMs) },
  { title: 'Last hour', align: 'right', cell: (queue) => <LastHour queue={queue} /> },
];

const ACTIONS: Column<Queue> = {
  title: 'Actions',
  cell: ({ name, pause, waiting }) => (
    <span class="buttons">
      {pause === undefined
        ? <ActionButton label="Pause" of={name} action="pause" fields={{ kind: 'queue', name }} ask={{ title: `Pause ${name}`, text: 'Nothing of this queue is started any more, in every process, until it is resumed. What runs ends.', reason: 'required' }} />
        : <ActionButton label="Resume" of={name} action="resume" fields={{ kind: 'queue', name }} />}
      <ActionButton label="Purge" of={name} action="purge" fields={{ queue: name }} danger
        ask={{ title: `Purge ${name}`, text: `All waiting tasks of this queue, ${count(waiting)} now, are removed for good.`, typed: name }} />
    </span>
  ),
};

function LastHour({ queue: { history } }: { readonly queue: Queue }) {
  const sum = (of: 'succeeded' | 'failed'): number => history.reduce((total, minute) => total + minute[of], 0);
  const failed = sum('failed');
  return <>{count(sum('succeeded'))} ok{failed > 0 && <>, <span class="bad-text">{count(failed)} failed</span></>}</>;
}
