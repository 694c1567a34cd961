import type { AuditEntry } from '../../../lib/dashboard/answers.js';
import { count } from '../format.js';
import { useScope } from '../parts/context.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;

export function Audit() {
  const { dispatcher, paused } = useScope();
  const { answer, problem } = useRead<{ rows: readonly AuditEntry[] }>(dispatcher, 'audit', {}, paused ? 0 : EVERY_MS);
  return (
    <Page title="Audit" intro="Who did what by the dashboard of this process since it was started; its log keeps all of it.">
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Asking ...</Empty>
        : <Table caption="Audit" rows={answer.rows} columns={COLUMNS} keyOf={({ at, action, by }) => `${at} ${action} ${by}`} empty="Nobody has done anything." />}
    </Page>
  );
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'At', cell: ({ at }) => <When at={at} /> },
  { title: 'By', cell: ({ by }) => by },
  { title: 'Action', cell: ({ action }) => <code>{action}</code> },
  { title: 'What', cell: ({ what }) => <span class="args">{Object.entries(what).map(([name, value]) => <span key={name} class="arg"><span class="quiet">{name} </span><code>{String(value)}</code></span>)}</span> },
  { title: 'Concerned', align: 'right', cell: (entry) => count(entry.count) },
  { title: 'Outcome', cell: ({ error }) => (error === undefined ? 'done' : <span class="error-text">{error}</span>) },
];
