import type { ShownWaiting, WaitingAnswer } from '../../../lib/dashboard/answers.js';
import type { DelayedReport } from '../../../lib/inspection/model.js';
import { count, duration } from '../format.js';
import { useFilters, useScope } from '../parts/context.js';
import { Link, TaskLink } from '../parts/link.js';
import { Empty, Page, Problem, Section } from '../parts/page.js';
import { QueueSelect, useQueue } from '../parts/queue-select.js';
import { Args, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;
const FIRST = '50';

export function Waiting() {
  const selected = useQueue(({ waiting = 0 }) => waiting > 0);
  return (
    <Page title="Waiting and delayed" intro="The first tasks of a queue, and what is to run later. Looking holds tasks for the moment, and changes nothing.">
      <QueueSelect selected={selected} />
      {selected === '' ? <Empty>No queue is known.</Empty> : <First queue={selected} />}
      <Section title="Delayed, for whatever queue"><Delayed /></Section>
    </Page>
  );
}

function First({ queue }: { readonly queue: string }) {
  const { dispatcher, params: { peek } } = useScope();
  const change = useFilters();
  const { answer, problem, isLoading, reload } = useRead<WaitingAnswer>(dispatcher, 'waiting', { queue, peek }, 0);
  return (
    <>
      <div class="buttons bar"><button type="button" onClick={reload} disabled={isLoading}>Look again</button></div>
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Looking into the queue ...</Empty> : (
        <>
          <p class="quiet" role="status">{answer.waiting === undefined ? `There is no queue ${queue}.` : `${count(answer.waiting)} wait in ${queue}.`}</p>
          {answer.unseen === undefined
            ? <Table caption={`First tasks of ${queue}`} rows={answer.rows} columns={COLUMNS} keyOf={({ queue: line, position }) => `${line} ${position}`} empty="Nothing waits." total={answer.waiting ?? 0} />
            : <p class="card">{answer.unseen} <button type="button" onClick={() => change({ queue, peek: FIRST })}>Look at the first {FIRST} all the same</button></p>}
        </>
      )}
    </>
  );
}

const COLUMNS: readonly Column<ShownWaiting>[] = [
  { title: 'Place', align: 'right', cell: ({ position }) => position + 1 },
  { title: 'Task', cell: ({ name, uuid, problem }) => <><b class="name">{name ?? 'no task'}</b> {uuid !== undefined && <TaskLink uuid={uuid} />} {problem !== undefined && <span class="error-text">{problem}</span>}</> },
  { title: 'Arguments', cell: ({ args }) => <Args args={args} /> },
  { title: 'Attempt', align: 'right', cell: ({ attempt }) => attempt },
  { title: 'Waits since', cell: ({ since }) => <When at={since} /> },
  { title: 'Expires', cell: ({ expiresAt }) => <When at={expiresAt} /> },
  { title: 'In', cell: ({ queue }) => <span class="name">{queue}</span> },
];

function Delayed() {
  const { dispatcher, paused } = useScope();
  const { answer, problem } = useRead<DelayedReport>(dispatcher, 'delayed', {}, paused ? 0 : EVERY_MS);
  if (answer === undefined) return problem === undefined ? <Empty>Asking the broker ...</Empty> : <Problem text={problem} />;
  const { within, later } = answer;
  const rows = [...within.map(({ withinMs, count: due }) => ({ due, when: `within ${duration(withinMs)}` })), { due: later, when: 'later' }].filter(({ due }) => due > 0);
  return (
    <>
      <Problem text={problem} />
      <p class="quiet">When at the latest; on RabbitMQ some are due far sooner. Which tasks they are, no broker shows: those that failed are among <Link to="retrying">what is tried again</Link>, and a task is found by its <Link to="task">uuid</Link>.</p>
      <Table caption="Delayed tasks" rows={rows} columns={DELAYED} keyOf={({ when }) => when} empty="Nothing is delayed." />
    </>
  );
}

const DELAYED: readonly Column<{ readonly when: string; readonly due: number }>[] = [
  { title: 'Due', cell: ({ when }) => when },
  { title: 'Tasks', align: 'right', cell: ({ due }) => count(due) },
];
