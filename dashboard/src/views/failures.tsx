import type { Bounded, ShownFailureGroup } from '../../../lib/dashboard/answers.js';
import { count } from '../format.js';
import { useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { Link, TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { Args, Log, Stack, When } from '../parts/shown.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;

export function Failures() {
  const { dispatcher, paused, params: { name, queue, error } } = useScope();
  const { answer, problem } = useRead<Bounded<ShownFailureGroup>>(dispatcher, 'failures', { name, queue, error }, paused ? 0 : EVERY_MS);
  return (
    <Page title="Failures" intro="What failed lately in the processes that live, and what lies dead, the same kind of failure together.">
      <Filters filters={[{ name: 'name', label: 'Task', hint: 'mail.*' }, { name: 'queue', label: 'Queue' }, { name: 'error', label: 'Error contains' }]} />
      <Problem text={problem} />
      {answer?.rows.length === 0 && <Empty>Nothing has failed.</Empty>}
      {answer === undefined && problem === undefined && <Empty>Asking the system ...</Empty>}
      <ul class="groups">{answer?.rows.map((group) => <Group key={group.id} group={group} />)}</ul>
      {answer !== undefined && answer.total > answer.rows.length && <p class="more">The first {answer.rows.length} of {answer.total}.</p>}
    </Page>
  );
}

function Group({ group: { name, error, count: many, dead, firstAt, lastAt, queues, example } }: { readonly group: ShownFailureGroup }) {
  return (
    <li class="card">
      <h2><span class="name">{name}</span> <span class="badge bad">{count(many)}×</span></h2>
      <p class="error-text"><b>{error.name}</b>: {error.message}</p>
      <p class="quiet">
        {error.frame !== undefined && <><code>{error.frame}</code> · </>}first <When at={firstAt} />, last <When at={lastAt} /> · {queues.join(', ')}
      </p>
      <p class="links">
        {queues.map((queue) => <Link key={queue} to="dead" params={{ queue, name, error: error.name }}>{count(dead)} dead in {queue}</Link>)}
        <Link to="recent" params={{ name, state: 'failed' }}>Recent failures of {name}</Link>
      </p>
      <details>
        <summary>The last one</summary>
        <p><TaskLink uuid={example.uuid} /> attempt {example.attempt} in {example.worker} at <When at={example.endedAt} /></p>
        <Args args={example.args} whole />
        {example.error !== undefined && <p class="error-text">{example.error.message}</p>}
        <Stack text={example.error?.stack} />
        <Log lines={example.log} />
      </details>
    </li>
  );
}
