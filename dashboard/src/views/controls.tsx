import { useState } from 'preact/hooks';
import type { ShownLock, ShownPause } from '../../../lib/dashboard/answers.js';
import { ActionButton } from '../parts/action-button.js';
import { useScope } from '../parts/context.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page, Problem, Section } from '../parts/page.js';
import { Badge, When } from '../parts/shown.js';
import { Table, type Column } from '../parts/table.js';
import { useRead } from '../use-read.js';

const EVERY_MS = 5_000;

export function Controls() {
  const { dispatcher, paused, mayAct } = useScope();
  const pauses = useRead<{ rows: readonly ShownPause[] }>(dispatcher, 'pauses', {}, paused ? 0 : EVERY_MS);
  const locks = useRead<{ rows: readonly ShownLock[] }>(dispatcher, 'locks', {}, paused ? 0 : EVERY_MS);
  return (
    <Page title="Pauses and locks">
      <Section title="Pauses">
        {mayAct && <PauseForm onDone={pauses.reload} />}
        <Problem text={pauses.problem} />
        {pauses.answer === undefined ? <Empty>Asking the system ...</Empty>
          : <Table caption="Pauses" rows={pauses.answer.rows} columns={mayAct ? [...PAUSES, resumeColumn(pauses.reload)] : PAUSES} keyOf={({ kind, name }) => `${kind} ${name}`} empty="Nothing is paused." />}
      </Section>
      <Section title="Unique keys and limits">
        <Problem text={locks.problem} />
        {locks.answer === undefined ? <Empty>Asking the system ...</Empty>
          : <Table caption="Unique keys and limits" rows={locks.answer.rows} columns={mayAct ? [...LOCKS, releaseColumn(locks.reload)] : LOCKS} keyOf={keyOf} empty="Nothing is held." />}
      </Section>
    </Page>
  );
}

function PauseForm({ onDone }: { readonly onDone: () => void }) {
  const [kind, setKind] = useState('queue');
  const [name, setName] = useState('');
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>Pause a
        <select value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value)}>{['queue', 'task', 'worker'].map((one) => <option key={one}>{one}</option>)}</select>
      </label>
      <label>of the name<input type="text" value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} /></label>
      {name !== '' && <ActionButton label="Pause" of={name} action="pause" fields={{ kind, name }} onDone={onDone} ask={{ title: `Pause the ${kind} ${name}`, text: 'In every process, until it is resumed.', reason: 'required' }} />}
    </form>
  );
}

const PAUSES: readonly Column<ShownPause>[] = [
  { title: 'What', cell: ({ kind, name }) => <><Badge state={kind} /> <b class="name">{name}</b></> },
  { title: 'By', cell: ({ by }) => by },
  { title: 'Why', cell: ({ reason }) => reason },
  { title: 'Since', cell: ({ since }) => <When at={since} /> },
];

function resumeColumn(onDone: () => void): Column<ShownPause> {
  return { title: 'Actions', cell: ({ kind, name }) => <ActionButton label="Resume" of={name} action="resume" fields={{ kind, name }} onDone={onDone} /> };
}

function keyOf({ kind, name, key, limit, holders }: ShownLock): string {
  return [kind, name, key, limit, holders[0]?.uuid].join(' ');
}

const LOCKS: readonly Column<ShownLock>[] = [
  { title: 'What', cell: ({ kind, name, limit, state }) => <><Badge state={kind} /> <b class="name">{name}</b> <span class="quiet">{limit}</span> {state !== undefined && <Badge state={state} />}</> },
  { title: 'Key', cell: ({ key }) => <code>{key ?? '–'}</code> },
  { title: 'Held', align: 'right', cell: ({ holders, most }) => `${holders.length} of ${most}` },
  { title: 'By', cell: ({ holders }) => (
    <ul class="bare">{holders.slice(0, 20).map(({ uuid, host, pid, worker, since }) => <li key={uuid}><TaskLink uuid={uuid} /> {host !== undefined && <span class="quiet">{worker} in {host}:{pid}</span>} {since !== undefined && <When at={since} />}</li>)}</ul>
  ) },
  { title: 'Free by itself', cell: ({ until }) => <When at={until} /> },
];

function releaseColumn(onDone: () => void): Column<ShownLock> {
  return {
    title: 'Actions',
    cell: ({ key, releasable }) => releasable === true && key !== undefined && (
      <ActionButton label="Free" of={key} action="release-key" fields={{ key }} danger onDone={onDone} ask={{ title: 'Free this unique key', text: 'The next task of this key is taken, although this one may run yet.', reason: 'required' }} />
    ),
  };
}
