import type { ShownEnd } from '../../../lib/dashboard/answers.js';
import { duration } from '../format.js';
import { useFilters, useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { Args, Badge, ErrorText, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 3_000;
const LIMIT = 100;
const STATES = ['succeeded', 'failed', 'retrying', 'cancelled', 'expired', 'dropped'];

export function Recent() {
  const { dispatcher, paused, params: { name, state, queue, error, argPath, argValue, since, until } } = useScope();
  const { answer, problem } = useRead<{ rows: readonly ShownEnd[] }>(dispatcher, 'recent', { name, state, queue, error, argPath, argValue, since, until, limit: String(LIMIT) }, paused ? 0 : EVERY_MS);
  const change = useFilters();
  const last = answer?.rows.at(-1);
  return (
    <Page title="Recent" intro="What ended last, as the processes that live remember it (a bounded number each, failures longer than others), and the store where history is kept.">
      <Filters filters={[
        { name: 'name', label: 'Task', hint: 'mail.*' }, { name: 'state', label: 'State', choices: STATES }, { name: 'queue', label: 'Queue' },
        { name: 'error', label: 'Error contains' }, { name: 'argPath', label: 'Argument at', hint: '0.customer.id' }, { name: 'argValue', label: 'is', hint: '42' },
        { name: 'since', label: 'Since', kind: 'instant' }, { name: 'until', label: 'Until', kind: 'instant' },
      ]} />
      <Problem text={problem} />
      {last !== undefined && answer?.rows.length === LIMIT && <button type="button" onClick={() => change({ until: String(last.endedAt) })}>Earlier ones</button>}
      {answer === undefined ? problem === undefined && <Empty>Asking the system ...</Empty>
        : <Table caption="Recently ended tasks" rows={answer.rows} columns={COLUMNS} keyOf={({ uuid, attempt, endedAt, process }) => `${uuid} ${attempt} ${endedAt} ${process}`} empty="Nothing has ended that fits." />}
    </Page>
  );
}

const COLUMNS: readonly Column<ShownEnd>[] = [
  { title: 'Ended', cell: ({ endedAt }) => <When at={endedAt} /> },
  { title: 'Task', cell: ({ name, uuid }) => <><b class="name">{name}</b> <TaskLink uuid={uuid} /></> },
  { title: 'State', cell: ({ state, reason }) => <><Badge state={state} /> {reason !== undefined && reason !== state && <span class="quiet">{reason}</span>}</> },
  { title: 'Took', align: 'right', cell: ({ durationMs }) => duration(durationMs) },
  { title: 'Attempt', align: 'right', cell: ({ attempt }) => attempt },
  { title: 'Arguments', cell: ({ args }) => <Args args={args} /> },
  { title: 'Error', cell: ({ error }) => <ErrorText error={error} /> },
  { title: 'Where', cell: ({ worker, queue }) => <>{worker} <span class="quiet">{queue}</span></> },
];
