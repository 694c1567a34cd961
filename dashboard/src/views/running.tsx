import type { ShownRun } from '../../../lib/dashboard/answers.js';
import { duration, percent } from '../format.js';
import { ActionButton } from '../parts/action-button.js';
import { CountedActions } from '../parts/counted-actions.js';
import { useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page } from '../parts/page.js';
import { Args, Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';

export function Running() {
  const { live: { topics: { running } }, params: { name = '', queue = '', worker = '' }, mayAct } = useScope();
  const rows = running?.rows.filter((run) => run.name.includes(name) && (queue === '' || run.queue === queue) && (worker === '' || run.worker === worker));
  return (
    <Page title="Running" intro="The longest first.">
      <Filters filters={[{ name: 'name', label: 'Task contains' }, { name: 'queue', label: 'Queue' }, { name: 'worker', label: 'Worker' }]} />
      {[name, queue, worker].some((value) => value !== '') && (
        <div class="buttons bar">
          <CountedActions what="running-count" fields={{ name, queue, worker }} actions={[
            { verb: 'Cancel', action: 'cancel-all', danger: true, ask: (many) => ({ title: `Cancel ${many} running tasks`, text: 'They are asked to stop, and are not run again.', typed: 'cancel', reason: 'optional' }) },
          ]} />
        </div>
      )}
      {rows === undefined ? <Empty>Asking the system ...</Empty>
        : <Table caption="Running tasks" rows={rows} columns={mayAct ? [...COLUMNS, CANCEL] : COLUMNS} keyOf={({ uuid, process }) => `${uuid} ${process}`} empty="Nothing runs." total={rows.length === running?.rows.length ? running.total : undefined} />}
    </Page>
  );
}

export function Progress({ run: { progress } }: { readonly run: ShownRun }) {
  if (progress === undefined) return <span class="quiet">–</span>;
  const { percent: share, text } = progress;
  return (
    <span class="progress">
      {share !== undefined && <><progress value={share} max={100} aria-label={`Progress${text === undefined ? '' : `: ${text}`}`} /> {percent(share / 100)}</>}
      {text !== undefined && <span class="quiet">{text}</span>}
    </span>
  );
}

const COLUMNS: readonly Column<ShownRun>[] = [
  { title: 'Task', cell: ({ name, uuid, isSlow, batch }) => <><b class="name">{name}</b> <TaskLink uuid={uuid} /> {batch !== undefined && <span class="quiet" title={`call ${batch.id}`}>1 of {batch.size}</span>} {isSlow === true && <Badge state="slow" />}</> },
  { title: 'Since', cell: ({ startedAt, runningMs }) => <>{duration(runningMs)} <span class="quiet">(<When at={startedAt} />)</span></> },
  { title: 'Progress', cell: (run) => <Progress run={run} /> },
  { title: 'Arguments', cell: ({ args }) => <Args args={args} /> },
  { title: 'Attempt', align: 'right', cell: ({ attempt }) => attempt },
  { title: 'Where', cell: ({ worker, queue, host, pid }) => <>{worker} <span class="quiet">{queue} · {host}:{pid}</span></> },
];

const CANCEL: Column<ShownRun> = {
  title: 'Actions',
  cell: ({ uuid, name }) => <ActionButton label="Cancel" of={`${name} ${uuid}`} action="cancel" fields={{ uuids: [uuid] }} danger
    ask={{ title: 'Cancel this task', text: `${name} is asked to stop, and is not run again.`, reason: 'optional' }} />,
};
