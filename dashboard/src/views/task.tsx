import { useEffect, useState } from 'preact/hooks';
import type { ShownTaskPage } from '../../../lib/dashboard/answers.js';
import { duration } from '../format.js';
import { ActionButton, type Asking } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { Link, TaskLink } from '../parts/link.js';
import { Empty, Page, Problem, Section } from '../parts/page.js';
import { Args, Badge, ErrorText, Facts, Log, Stack, When } from '../parts/shown.js';
import { useRead } from '../use-read.js';
import { Progress } from './running.js';

const OFTEN_MS = 3_000;
const SIGNAL: Asking = {
  title: 'Signal this task', text: 'It is told what it waits for by context.waitFor, or finds it when it comes to that.', reason: 'optional',
  fill: [{ name: 'signal', label: 'Name of the signal', value: '' }, { name: 'value', label: 'Value, as JSON (may be left out)', value: '', mayBeLeftOut: true }],
};
/** What does not run and has not ended is looked for in queues, which is work for the broker. */
const SELDOM_MS = 10_000;

function pauseAt(place: string | undefined): number {
  if (place === 'running') return OFTEN_MS;
  return place === 'ended' ? 0 : SELDOM_MS;
}

export function Task() {
  const { params: { uuid = '' } } = useScope();
  return (
    <Page title="Task">
      <Filters filters={[{ name: 'uuid', label: 'Uuid' }]} />
      {uuid === '' ? <Empty>Give the uuid of a task, as publish returned it.</Empty> : <Found uuid={uuid} />}
    </Page>
  );
}

function Found({ uuid }: { readonly uuid: string }) {
  const { dispatcher, paused } = useScope();
  const [everyMs, setEveryMs] = useState(SELDOM_MS);
  const { answer, problem, isLoading, reload } = useRead<ShownTaskPage>(dispatcher, 'task', { uuid }, paused ? 0 : everyMs);
  useEffect(() => setEveryMs(pauseAt(answer?.place)), [answer?.place]);
  return (
    <>
      <div class="buttons bar"><button type="button" onClick={reload} disabled={isLoading}>Look again</button></div>
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Looking for it ...</Empty> : <Detail task={answer} />}
    </>
  );
}

function Detail({ task }: { readonly task: ShownTaskPage }) {
  const { uuid, name, place, run, end, waitsFor, args, attempts, timeline } = task;
  return (
    <>
      <div class="page-head">
        <h2><span class="name">{name ?? uuid}</span> <Badge state={place} /></h2>
        <TaskActions task={task} />
      </div>
      <Where task={task} />
      {waitsFor.length > 0 && <Section title="Why it waits"><ul>{waitsFor.map((why) => <li key={why}>{why}</li>)}</ul></Section>}
      {run !== undefined && <Section title="Running"><p>For {duration(run.runningMs)}, attempt {run.attempt}. <Progress run={run} /></p></Section>}
      {end !== undefined && (
        <Section title="Ended">
          <p><Badge state={end.state} /> after {duration(end.durationMs)} at <When at={end.endedAt} />, attempt {end.attempt}. {end.reason}</p>
          {end.error !== undefined && <p><ErrorText error={end.error} /></p>}
          <Stack text={end.error?.stack} />
          <Log lines={end.log} />
        </Section>
      )}
      <Section title="Arguments"><Args args={args} whole /></Section>
      {attempts.length > 0 && <Section title="Attempts"><ol class="timeline">{attempts.map((one, index) => <Attempt key={index} attempt={one} />)}</ol></Section>}
      {timeline.length > 0 && <Section title="Timeline"><ol class="timeline">{timeline.map(({ state, at }, index) => <li key={index}><When at={at} /> <Badge state={state} /></li>)}</ol></Section>}
      {end?.headers !== undefined && <Section title="Headers"><pre class="block" tabIndex={0} aria-label="Headers">{end.headers}</pre></Section>}
    </>
  );
}

function Attempt({ attempt: { attempt, at, worker, error, log } }: { readonly attempt: ShownTaskPage['attempts'][number] }) {
  return (
    <li>
      <b>{attempt}</b> <span class="quiet"><When at={at} />{worker !== undefined && ` in ${worker}`}</span> {error !== undefined && <ErrorText error={error} />}
      {(error?.stack !== undefined || log.length > 0) && <details><summary>More of attempt {attempt}</summary><Stack text={error?.stack} /><Log lines={log} /></details>}
    </li>
  );
}

function Where({ task: { uuid, place, queue, position, dueAt, diedAt, reason, looked, run, end, workflow, parent, children, trace } }: { readonly task: ShownTaskPage }) {
  const at = run ?? end;
  return (
    <Facts facts={[
      ['Uuid', <code>{uuid}</code>], ['Queue', queue ?? at?.queue], ['Worker', at?.worker], ['Process', at && `${at.host}:${at.pid}`],
      ['Position', position === undefined ? undefined : position + 1], ['Due', dueAt === undefined ? undefined : <When at={dueAt} />], ['Died', diedAt === undefined ? undefined : <When at={diedAt} />],
      ['Reason', reason], ['Looked at', place === 'unknown' ? looked?.join(', ') : undefined],
      ['Workflow', workflow && <Link to="workflows" params={{ uuid: workflow }}>{workflow}</Link>], ['Parent', parent && <TaskLink uuid={parent} />],
      ['Children', children.length === 0 ? undefined : children.map((child) => <><TaskLink uuid={child} /> </>)], ['Trace', trace],
    ]} />
  );
}

function TaskActions({ task: { uuid, place, queue } }: { readonly task: ShownTaskPage }) {
  if (place === 'dead' && queue !== undefined) return <Link to="letter" params={{ queue, id: uuid }} class="button">Open the dead letter</Link>;
  if (place === 'ended') return null;
  return (
    <>
      <ActionButton label="Signal" of={uuid} action="signal" fields={{ uuid }} ask={SIGNAL} />
      <ActionButton label="Cancel" of={uuid} action="cancel" fields={{ uuids: [uuid] }} danger ask={{ title: 'Cancel this task', text: 'It does not run any more; what runs is asked to stop.', reason: 'optional' }} />
    </>
  );
}
