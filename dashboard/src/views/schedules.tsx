import type { ShownSchedule } from '../../../lib/dashboard/answers.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;

export function Schedules() {
  const { dispatcher, paused, mayAct } = useScope();
  const { answer, problem, reload } = useRead<{ rows: readonly ShownSchedule[] }>(dispatcher, 'schedules', {}, paused ? 0 : EVERY_MS);
  return (
    <Page title="Schedules" intro="Those that were added at run time, and those that the code of this process declares.">
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Asking the system ...</Empty>
        : <Table caption="Schedules" rows={answer.rows} columns={mayAct ? [...COLUMNS, actionsColumn(reload)] : COLUMNS} keyOf={({ name }) => name} empty="No schedule." />}
    </Page>
  );
}

const COLUMNS: readonly Column<ShownSchedule>[] = [
  { title: 'Schedule', cell: ({ name, source, paused }) => (
    <><b class="name">{name}</b> <span class="quiet">{source}</span> {paused !== undefined && <><Badge state="paused" /> <span class="quiet">by {paused.by}: {paused.reason}</span></>}</>
  ) },
  { title: 'When', cell: ({ cron, timeZone }) => <><code>{cron}</code> <span class="quiet">{timeZone ?? 'UTC'}</span></> },
  { title: 'Task', cell: ({ task }) => task },
  { title: 'Next', cell: ({ nextTick }) => <When at={nextTick} /> },
  { title: 'Last', cell: ({ lastTick, lastTickBy }) => <><When at={lastTick} /> {lastTickBy !== undefined && <span class="quiet">by {lastTickBy}</span>}</> },
  { title: 'Missed ticks', cell: ({ missed }) => missed },
];

function actionsColumn(onDone: () => void): Column<ShownSchedule> {
  return {
    title: 'Actions',
    cell: ({ name, paused, source }) => (
      <span class="buttons">
        <ActionButton label="Trigger" of={name} action="schedule-trigger" fields={{ name }} onDone={onDone} ask={{ title: `Trigger ${name}`, text: 'Its task is sent now, beside its ticks.' }} />
        {paused === undefined
          ? <ActionButton label="Pause" of={name} action="schedule-pause" fields={{ name }} onDone={onDone} ask={{ title: `Pause ${name}`, text: 'It does not fire, in any process, until it is resumed.', reason: 'required' }} />
          : <ActionButton label="Resume" of={name} action="schedule-resume" fields={{ name }} onDone={onDone} />}
        {source === 'runtime' && <ActionButton label="Remove" of={name} action="schedule-remove" fields={{ name }} danger onDone={onDone} ask={{ title: `Remove ${name}`, text: 'It is gone for good.', typed: name }} />}
      </span>
    ),
  };
}
