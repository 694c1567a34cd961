import type { DeadLettersAnswer, ShownDeadLetter } from '../../../lib/dashboard/answers.js';
import { count } from '../format.js';
import { ActionButton } from '../parts/action-button.js';
import { CountedActions } from '../parts/counted-actions.js';
import { useFilters, useScope } from '../parts/context.js';
import { Filters } from '../parts/filters.js';
import { Link } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { QueueSelect, useQueue } from '../parts/queue-select.js';
import { Args, Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const REASONS = ['failed', 'timed-out', 'invalid-body', 'unauthenticated', 'no-key', 'claim-missing', 'invalid-arguments', 'unsupported', 'unknown-task', 'unsupported-version', 'crash-loop', 'too-large', 'undelivered', 'delivery-limit', 'unknown'];

export function Dead() {
  const selected = useQueue(({ dead = 0 }) => dead > 0);
  return (
    <Page title="Dead letters" intro="Tasks that could not be run, the oldest first. Looking changes nothing.">
      <QueueSelect selected={selected} />
      <Filters filters={[
        { name: 'name', label: 'Task', hint: 'mail.*' }, { name: 'reason', label: 'Reason', choices: REASONS }, { name: 'error', label: 'Error contains' },
        { name: 'search', label: 'Uuid, or in arguments' }, { name: 'since', label: 'Died since', kind: 'instant' }, { name: 'before', label: 'Died before', kind: 'instant' },
      ]} />
      {selected === '' ? <Empty>No queue is known.</Empty> : <Letters queue={selected} />}
    </Page>
  );
}

function Letters({ queue }: { readonly queue: string }) {
  const { dispatcher, params: { name, reason, error, search, since, before, after } } = useScope();
  const change = useFilters();
  const filter = { queue, name, reason, error, search, since, before };
  const { answer, problem, isLoading, reload } = useRead<DeadLettersAnswer>(dispatcher, 'dead-letters', { ...filter, after }, 0);
  return (
    <>
      <div class="buttons bar">
        <button type="button" onClick={reload} disabled={isLoading}>Reload</button>
        <CountedActions what="dead-letters-count" fields={filter} onDone={reload} actions={[
          { verb: 'Replay', action: 'replay-all', ask: (many) => ({ title: `Replay ${many} dead letters`, text: `They are sent to ${queue} again, from attempt 1.` }) },
          { verb: 'Discard', action: 'discard-all', danger: true, ask: (many) => ({ title: `Discard ${many} dead letters`, text: 'They are removed for good.', typed: queue }) },
        ]} />
      </div>
      <Problem text={problem} />
      {answer === undefined ? problem === undefined && <Empty>Looking through the queue ...</Empty> : (
        <>
          <p class="quiet" role="status">{count(answer.total)} dead letters in {queue}{answer.truncated && '; only the first 50,000 can be looked through'}.</p>
          <Table caption={`Dead letters of ${queue}`} rows={answer.letters} columns={columnsOf(queue, reload)} keyOf={({ id, position }) => `${id} ${position}`} empty="No dead letter fits." />
          <div class="buttons bar">
            {after !== undefined && after !== '' && <button type="button" onClick={() => change({ after: '' })}>First page</button>}
            {answer.next !== undefined && <button type="button" onClick={() => change({ after: answer.next as string })}>Next page</button>}
          </div>
        </>
      )}
    </>
  );
}

function columnsOf(queue: string, reload: () => void): Column<ShownDeadLetter>[] {
  return [
    { title: 'Died', cell: ({ at }) => <When at={at} /> },
    { title: 'Task', cell: ({ name, id }) => <><b class="name">{name ?? 'no task'}</b> <Link to="letter" params={{ queue, id }} class="mono">{id.slice(0, 8)}<span class="sr"> {id}</span></Link></> },
    { title: 'Reason', cell: ({ reason, replays }) => <><Badge state={reason} /> {replays > 0 && <span class="quiet">replayed {replays}×</span>}</> },
    { title: 'Error', cell: ({ error, problem }) => <span class="error-text">{error ?? problem ?? '–'}</span> },
    { title: 'Arguments', cell: ({ args }) => <Args args={args} /> },
    { title: 'Attempts', align: 'right', cell: ({ attempt }) => attempt },
    { title: 'Actions', cell: ({ id, name }) => <LetterActions queue={queue} id={id} name={name} onDone={reload} /> },
  ];
}

export function LetterActions({ queue, id, name, onDone }: { readonly queue: string; readonly id: string; readonly name: string | undefined; readonly onDone: () => void }) {
  return (
    <span class="buttons">
      <ActionButton label="Replay" of={id} action="replay" fields={{ queue, id }} onDone={onDone} />
      <ActionButton label="Discard" of={id} action="discard" fields={{ queue, id }} danger onDone={onDone}
        ask={{ title: 'Discard this dead letter', text: `${name ?? 'It'} (${id}) is removed for good.` }} />
    </span>
  );
}
