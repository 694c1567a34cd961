import { useMemo } from 'preact/hooks';
import type { ShownStep, ShownWorkflow, WorkflowsAnswer } from '../../../lib/dashboard/answers.js';
import { ActionButton } from '../parts/action-button.js';
import { useFilters, useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { Empty, Page, Problem, Section } from '../parts/page.js';
import { Badge, Facts, When } from '../parts/shown.js';
import { Link, TaskLink } from '../parts/link.js';
import { Table, type Column } from '../parts/table.js';
import { graphOf, NODE_HEIGHT, NODE_WIDTH, type GraphNode } from '../parts/workflow-graph.js';
import { hrefOf } from '../route.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 3_000;
const STATUSES = ['running', 'succeeded', 'failed', 'cancelled'];

const COLUMNS: readonly Column<WorkflowsAnswer['rows'][number]>[] = [
  { title: 'Started', cell: ({ startedAt }) => <When at={startedAt} /> },
  { title: 'Workflow', cell: ({ uuid, name }) => <><b class="name">{name}</b> <Link to="workflows" params={{ uuid }} class="mono">{uuid.slice(0, 8)}<span class="sr"> {uuid}</span></Link></> },
  { title: 'Status', cell: ({ status, retries }) => <><Badge state={status} /> {retries > 0 && <span class="quiet">retried {retries}×</span>}</> },
  { title: 'Steps', align: 'right', cell: ({ steps }) => (steps === undefined ? '–' : `${steps.ended} of ${steps.total}`) },
  { title: 'Ended', cell: ({ endedAt }) => <When at={endedAt} /> },
  { title: 'Why', cell: ({ error, reason }) => (error === undefined ? reason ?? '–' : <span class="error-text">{error}</span>) },
];

export default function Workflows() {
  const { params: { uuid = '' } } = useScope();
  return (
    <Page title={uuid === '' ? 'Workflows' : 'Workflow'}>
      <Filters filters={[{ name: 'uuid', label: 'Uuid' }, ...uuid === '' ? [{ name: 'name', label: 'Name', hint: '*resize*' }, { name: 'status', label: 'Status', choices: STATUSES }] : []]} />
      {uuid === '' ? <List /> : <Found uuid={uuid} />}
    </Page>
  );
}

function List() {
  const { dispatcher, paused, params: { name, status, after } } = useScope();
  const change = useFilters();
  const { answer, problem } = useRead<WorkflowsAnswer>(dispatcher, 'workflows', { name, status, after }, paused ? 0 : EVERY_MS);
  const { next } = answer ?? {};
  return (
    <>
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Asking ...</Empty> : <Table caption="Workflows" rows={answer.rows} columns={COLUMNS} keyOf={(row) => row.uuid} empty="No workflow that fits is known." />}
      <div class="buttons">
        {after !== undefined && after !== '' && <button type="button" onClick={() => change({ after: '' })}>The latest</button>}
        {next !== undefined && <button type="button" onClick={() => change({ after: next })}>Earlier ones</button>}
      </div>
    </>
  );
}

function Found({ uuid }: { readonly uuid: string }) {
  const { dispatcher, paused } = useScope();
  const { answer, problem, reload } = useRead<ShownWorkflow>(dispatcher, 'workflow', { uuid }, paused ? 0 : EVERY_MS);
  return (
    <>
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Asking ...</Empty> : <Detail workflow={answer} reload={reload} />}
    </>
  );
}

function Detail({ workflow: { uuid, status, startedAt, endedAt, retries, reason, root }, reload }: { readonly workflow: ShownWorkflow; readonly reload: () => void }) {
  return (
    <>
      <div class="page-head">
        <h2><code>{uuid}</code> <Badge state={status} /></h2>
        <div class="buttons">
          {status === 'running' && <ActionButton label="Cancel" action="workflow-cancel" fields={{ uuid }} danger onDone={reload} ask={{ title: 'Cancel this workflow', text: 'What has not started does not run any more; what runs is asked to stop.', reason: 'required' }} />}
          {status === 'failed' && <ActionButton label="Retry" action="workflow-retry" fields={{ uuid }} onDone={reload} ask={{ title: 'Retry this workflow', text: 'It goes on from where it stopped.' }} />}
        </div>
      </div>
      <Facts facts={[['Started', <When at={startedAt} />], ['Ended', endedAt === undefined ? undefined : <When at={endedAt} />], ['Retries', retries], ['Reason', reason]]} />
      <Drawing root={root} />
      <Section title="Steps"><ul class="tree"><Step step={root} /></ul></Section>
    </>
  );
}

/** The list below says the same in words. */
function Drawing({ root }: { readonly root: ShownStep }) {
  const { dispatcher } = useScope();
  const shape = JSON.stringify(root);
  const { nodes, edges, width, height, hidden } = useMemo(() => graphOf(root), [shape]);
  return (
    <div class="graph" tabIndex={0} role="group" aria-label="The steps and what follows what">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        {edges.map((points, index) => <polyline key={index} points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />)}
        {nodes.map((node) => <Node key={node.id} node={node} href={node.step.uuid === undefined ? undefined : hrefOf('task', { dispatcher, uuid: node.step.uuid })} />)}
      </svg>
      {hidden > 0 && <p class="quiet">{hidden} more steps are not drawn.</p>}
    </div>
  );
}

function Node({ node: { step: { label, status, kind, ended, size }, x, y }, href }: { readonly node: GraphNode; readonly href: string | undefined }) {
  const shown = label.length > 26 ? `${label.slice(0, 25)}…` : label;
  const drawn = (
    <g class={`node ${status}`} transform={`translate(${x} ${y})`}>
      <title>{`${label}: ${status}`}</title>
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={8} />
      <text x={10} y={19}>{shown}</text>
      <text x={10} y={36} class="state">{status}{kind === 'group' && ended !== undefined && ` ${ended} of ${size ?? '?'}`}</text>
    </g>
  );
  return href === undefined ? drawn : <a href={href}>{drawn}</a>;
}

function Step({ step: { label, status, uuid, error, ended, failed, size, steps } }: { readonly step: ShownStep }) {
  return (
    <li>
      <Badge state={status} /> <code>{label}</code> {uuid !== undefined && <TaskLink uuid={uuid} />}
      {ended !== undefined && <span class="quiet"> {ended} of {size ?? 'any number'} ended{(failed ?? 0) > 0 && `, ${failed} failed`}</span>}
      {error !== undefined && <span class="error-text"> {error}</span>}
      {steps !== undefined && steps.length > 0 && <ul>{steps.map((one) => <Step key={one.path} step={one} />)}</ul>}
    </li>
  );
}
