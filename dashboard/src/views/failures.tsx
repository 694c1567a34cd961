import type { Bounded, ShownFailureGroup } from '../../../lib/dashboard/answers.js';
import { count } from '../format.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { CountedActions } from '../parts/counted-actions.js';
import { Filters } from '../parts/filters.js';
import { Link, TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { Args, Log, Stack, When } from '../parts/shown.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;

export function Failures() {
  const { dispatcher, paused, params: { name, queue, error } } = useScope();
  const { answer, problem, reload } = useRead<Bounded<ShownFailureGroup>>(dispatcher, 'failures', { name, queue, error }, paused ? 0 : EVERY_MS);
  return (
    <Page title="Failures" intro="What failed lately in the processes that live, and what lies dead, the same kind of failure together.">
      <Filters filters={[{ name: 'name', label: 'Task', hint: 'mail.*' }, { name: 'queue', label: 'Queue' }, { name: 'error', label: 'Error contains' }]} />
      <Problem text={problem} />
      {answer?.rows.length === 0 && <Empty>Nothing has failed.</Empty>}
      {answer === undefined && problem === undefined && <Empty>Asking the system ...</Empty>}
      <ul class="groups">{answer?.rows.map((group) => <Group key={group.id} group={group} onDone={reload} />)}</ul>
      {answer !== undefined && answer.total > answer.rows.length && <p class="more">The first {answer.rows.length} of {answer.total}.</p>}
    </Page>
  );
}

function Group({ group, onDone }: { readonly group: ShownFailureGroup; readonly onDone: () => void }) {
  const { name, error, count: many, dead, firstAt, lastAt, queues, example, note } = group;
  return (
    <li class="card">
      <h2><span class="name">{name}</span> <span class="badge bad">{count(many)}×</span></h2>
      <p class="error-text"><b>{error.name}</b>: {error.message}</p>
      <p class="quiet">
        {error.frame !== undefined && <><code>{error.frame}</code> · </>}first <When at={firstAt} />, last <When at={lastAt} /> · {queues.join(', ')}
      </p>
      {note !== undefined && <p class="note"><b>{note.by}</b>, <When at={note.at} />: {note.text}</p>}
      <GroupActions group={group} onDone={onDone} />
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

/** What is done to all dead letters of this kind, wherever they lie, and what is noted of them. */
function GroupActions({ group: { id, name, note }, onDone }: { readonly group: ShownFailureGroup; readonly onDone: () => void }) {
  const { mayAct } = useScope();
  if (!mayAct) return null;
  return (
    <div class="buttons bar">
      <CountedActions what="failure-count" fields={{ group: id, name }} label="Count dead letters" of={`of ${name}`} onDone={onDone} actions={[
        { verb: 'Retry', action: 'failure-retry', ask: (many) => ({ title: `Retry ${many} dead letters`, text: `All of ${name} that failed so are run again, from attempt 1.`, reason: 'optional' }) },
        { verb: 'Discard', action: 'failure-discard', danger: true, ask: (many) => ({ title: `Discard ${many} dead letters`, text: `All of ${name} that failed so are removed for good.`, typed: name, reason: 'optional' }) },
      ]} />
      <ActionButton label={note === undefined ? 'Note' : 'Change the note'} of={`on ${name}`} action="failure-annotate" fields={{ group: id }} onDone={onDone}
        ask={{ title: 'Note on these failures', text: 'Whoever looks at them sees it.', fill: [{ name: 'text', label: 'Note', value: note?.text ?? '' }] }} />
      {note !== undefined && <ActionButton label="Remove the note" of={`on ${name}`} action="failure-forget" fields={{ group: id }} onDone={onDone} />}
    </div>
  );
}
