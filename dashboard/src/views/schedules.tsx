import type { ShownFiring, ShownSchedule } from '../../../lib/dashboard/answers.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;
const MOST_NEXT = 3;

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

function Firing({ firing: { tick, by, uuid, error, outcome } }: { readonly firing: ShownFiring }) {
  const problem = error ?? outcome?.error;
  return (
    <>
      <When at={tick} /> {error !== undefined ? <Badge state="failed" /> : outcome !== undefined && <Badge state={outcome.state} />} {uuid !== undefined && <TaskLink uuid={uuid} />} <span class="quiet">by {by}</span>
      {problem !== undefined && <> <span class="error-text">{problem}</span></>}
    </>
  );
}

const COLUMNS: readonly Column<ShownSchedule>[] = [
  { title: 'Schedule', cell: ({ name, source, paused }) => (
    <><b class="name">{name}</b> <span class="quiet">{source}</span> {paused !== undefined && <><Badge state="paused" /> <span class="quiet">by {paused.by}: {paused.reason}</span></>}</>
  ) },
  { title: 'When', cell: ({ cron, timeZone }) => <><code>{cron}</code> <span class="quiet">{timeZone ?? 'UTC'}</span></> },
  { title: 'Task', cell: ({ task }) => task },
  { title: 'Next', cell: ({ nextTicks }) => <ul class="bare">{nextTicks.slice(0, MOST_NEXT).map((tick) => <li key={tick}><When at={tick} /></li>)}</ul> },
  { title: 'Last', cell: ({ firings }) => <ul class="bare">{firings.map((firing) => <li key={firing.tick}><Firing firing={firing} /></li>)}</ul> },
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
