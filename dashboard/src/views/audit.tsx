import type { ActionInfo } from '../../../lib/inspection/model.js';
import { count } from '../format.js';
import { useScope } from '../parts/context.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;

export function Audit() {
  const { dispatcher, paused } = useScope();
  const { answer, problem } = useRead<{ rows: readonly ActionInfo[] }>(dispatcher, 'audit', {}, paused ? 0 : EVERY_MS);
  return (
    <Page title="Audit" intro="Who did what, by the dashboard, the command line or code, as far as the processes that live know it; their logs keep all of it.">
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Asking ...</Empty>
        : <Table caption="Audit" rows={answer.rows} columns={COLUMNS} keyOf={({ id }) => id} empty="Nobody has done anything." />}
    </Page>
  );
}

const COLUMNS: readonly Column<ActionInfo>[] = [
  { title: 'At', cell: ({ at }) => <When at={at} /> },
  { title: 'By', cell: ({ by, host, pid }) => <>{by ?? 'code'} <span class="quiet">{host}:{pid}</span></> },
  { title: 'Action', cell: ({ action }) => <code>{action}</code> },
  { title: 'What', cell: ({ what }) => <span class="args">{Object.entries(what).map(([name, value]) => <span key={name} class="arg"><span class="quiet">{name} </span><code>{String(value)}</code></span>)}</span> },
  { title: 'Reason', cell: ({ reason }) => reason ?? '–' },
  { title: 'Concerned', align: 'right', cell: (entry) => count(entry.count) },
  { title: 'Outcome', cell: ({ error, failed = 0 }) => (error === undefined ? failed === 0 ? 'done' : `${count(failed)} failed` : <span class="error-text">{error}</span>) },
];
