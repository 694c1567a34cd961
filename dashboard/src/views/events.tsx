import type { ShownEvent } from '../../../lib/dashboard/answers.js';
import { count } from '../format.js';
import { useFilters, useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { TaskLink } from '../parts/link.js';
import { Page, Problem } from '../parts/page.js';
import { Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';

const ORIGINS = ['connection', 'results', 'worker', 'task', 'workflow', 'schedule', 'action'];
const LEVELS = ['debug', 'log', 'warn', 'error'];

export function Events() {
  const { live: { events, dropped, eventsProblem }, params: { text = '', origin = '', level = '', process = '', all = '' } } = useScope();
  const change = useFilters();
  const rows = events.filter((event) => (origin === '' || event.origin === origin) && (process === '' || placeOf(event) === process)
    && LEVELS.indexOf(event.level) >= LEVELS.indexOf(level) && event.text.toLowerCase().includes(text.toLowerCase())).slice(0, 200);
  const processes = [...new Set(events.map(placeOf))].sort();
  return (
    <Page title="Events" intro="What happens in all processes, from now on, the newest first.">
      <Filters filters={[{ name: 'text', label: 'Text contains' }, { name: 'origin', label: 'Origin', choices: ORIGINS }, { name: 'level', label: 'At least', choices: LEVELS.slice(1) }, { name: 'process', label: 'Process', choices: processes }]} />
      <label class="check"><input type="checkbox" checked={all === '1'} onChange={({ currentTarget }) => change({ all: currentTarget.checked ? '1' : '' })} /> Each step of each task</label>
      <Problem text={eventsProblem} />
      {dropped > 0 && <p class="quiet">{count(dropped)} were left out, because they were too many.</p>}
      <Table caption="Events" rows={rows} columns={COLUMNS} keyOf={(event) => `${event.at} ${event.process} ${event.type} ${event.uuid ?? ''} ${event.text}`} empty="Nothing has happened yet." />
    </Page>
  );
}

const COLUMNS: readonly Column<ShownEvent>[] = [
  { title: 'At', cell: ({ at }) => <When at={at} /> },
  { title: 'Event', cell: ({ type, level }) => <><Badge state={level} /> <code>{type}</code></> },
  { title: 'Process', cell: (event) => <span class="name">{placeOf(event)}</span> },
  { title: 'Task', cell: ({ name, uuid }) => <>{name !== undefined && <b class="name">{name}</b>} {uuid !== undefined && <TaskLink uuid={uuid} />}</> },
  { title: 'Text', cell: ({ text }) => <span class="error-text">{text}</span> },
];

function placeOf({ host, pid }: ShownEvent): string {
  return `${host}:${pid}`;
}
