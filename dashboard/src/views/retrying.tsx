import type { ShownEnd } from '../../../lib/dashboard/answers.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { Args, ErrorText, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 3_000;

export function Retrying() {
  const { dispatcher, paused, mayAct, params: { name, queue, error, argPath, argValue } } = useScope();
  const { answer, problem } = useRead<{ rows: readonly ShownEnd[] }>(dispatcher, 'retrying', { name, queue, error, argPath, argValue }, paused ? 0 : EVERY_MS);
  return (
    <Page title="Retrying" intro="Tasks that failed and are tried again, as far as the processes that live remember them: they are delayed, or wait in their queue.">
      <Filters filters={[
        { name: 'name', label: 'Task', hint: 'mail.*' }, { name: 'queue', label: 'Queue' }, { name: 'error', label: 'Error contains' },
        { name: 'argPath', label: 'Argument at', hint: '0.customer.id' }, { name: 'argValue', label: 'is', hint: '42' },
      ]} />
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Asking the system ...</Empty>
        : <Table caption="Tasks that are tried again" rows={answer.rows} columns={mayAct ? [...COLUMNS, CANCEL] : COLUMNS} keyOf={({ uuid }) => uuid} empty="Nothing is known to be tried again." />}
    </Page>
  );
}

const COLUMNS: readonly Column<ShownEnd>[] = [
  { title: 'Failed', cell: ({ endedAt }) => <When at={endedAt} /> },
  { title: 'Task', cell: ({ name, uuid }) => <><b class="name">{name}</b> <TaskLink uuid={uuid} /></> },
  { title: 'Error', cell: ({ error }) => <ErrorText error={error} /> },
  { title: 'Arguments', cell: ({ args }) => <Args args={args} /> },
  { title: 'Attempts', align: 'right', cell: ({ attempt }) => attempt },
  { title: 'Where', cell: ({ worker, queue }) => <>{worker} <span class="quiet">{queue}</span></> },
];

const CANCEL: Column<ShownEnd> = {
  title: 'Actions',
  cell: ({ uuid, name }) => <ActionButton label="Cancel" of={`${name} ${uuid}`} action="cancel" fields={{ uuids: [uuid] }} danger
    ask={{ title: 'Cancel this task', text: `${name} is not tried again.`, reason: 'optional' }} />,
};
