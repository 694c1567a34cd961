import { useState } from 'preact/hooks';
import type { ShownLock, ShownPause, ShownWorkerLimit } from '../../../lib/dashboard/answers.js';
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
  const limits = useRead<{ rows: readonly ShownWorkerLimit[] }>(dispatcher, 'worker-limits', {}, paused ? 0 : EVERY_MS);
  const locks = useRead<{ rows: readonly ShownLock[] }>(dispatcher, 'locks', {}, paused ? 0 : EVERY_MS);
  return (
    <Page title="Pauses, limits and locks">
      <Section title="Pauses">
        {mayAct && <PauseForm onDone={pauses.reload} />}
        <Problem text={pauses.problem} />
        {pauses.answer === undefined ? <Empty>Asking the system ...</Empty>
          : <Table caption="Pauses" rows={pauses.answer.rows} columns={mayAct ? [...PAUSES, resumeColumn(pauses.reload)] : PAUSES} keyOf={({ kind, name }) => `${kind} ${name}`} empty="Nothing is paused." />}
      </Section>
      <Section title="Limits of workers">
        {mayAct && <LimitForm onDone={limits.reload} />}
        <Problem text={limits.problem} />
        {limits.answer === undefined ? <Empty>Asking the system ...</Empty>
          : <Table caption="Limits of workers" rows={limits.answer.rows} columns={mayAct ? [...LIMITS, unlimitColumn(limits.reload)] : LIMITS} keyOf={({ worker }) => worker} empty="All workers run as many tasks at once as they are configured to." />}
      </Section>
      <Section title="Unique keys and limits of tasks">
        <Problem text={locks.problem} />
        {locks.answer === undefined ? <Empty>Asking the system ...</Empty>
          : <Table caption="Unique keys and limits of tasks" rows={locks.answer.rows} columns={mayAct ? [...LOCKS, releaseColumn(locks.reload)] : LOCKS} keyOf={keyOf} empty="Nothing is held." />}
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

function LimitForm({ onDone }: { readonly onDone: () => void }) {
  const [name, setName] = useState('');
  const [limit, setLimit] = useState('');
  const isWhole = /^[1-9]\d{0,5}$/.test(limit);
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>Workers of the name<input type="text" value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} /></label>
      <label>run at once<input type="number" min={1} value={limit} onInput={({ currentTarget }) => setLimit(currentTarget.value)} /></label>
      {name !== '' && isWhole && <ActionButton label="Limit" of={name} action="limit" fields={{ name, limit: Number(limit) }} onDone={onDone} ask={{ title: `Limit the workers ${name}`, text: `Each of them runs ${limit} at once, in every process, in place of its configuration, until that is taken back.`, reason: 'optional' }} />}
    </form>
  );
}

const LIMITS: readonly Column<ShownWorkerLimit>[] = [
  { title: 'Workers', cell: ({ worker }) => <b class="name">{worker}</b> },
  { title: 'Run at once', align: 'right', cell: ({ limit }) => limit },
  { title: 'By', cell: ({ by }) => by },
  { title: 'Why', cell: ({ reason }) => reason ?? '–' },
  { title: 'Since', cell: ({ since }) => <When at={since} /> },
];

function unlimitColumn(onDone: () => void): Column<ShownWorkerLimit> {
  return { title: 'Actions', cell: ({ worker }) => <ActionButton label="Take back" of={worker} action="unlimit" fields={{ name: worker }} onDone={onDone} /> };
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
    cell: ({ key, kind, releasable }) => releasable === true && key !== undefined && (
      <ActionButton label="Free" of={key} action="release-key" fields={{ key }} danger onDone={onDone} ask={kind === 'order' ? { title: 'Let this line go on', text: 'The next task of this key comes, although this one may run yet, or be replayed.', reason: 'required' } : { title: 'Free this unique key', text: 'The next task of this key is taken, although this one may run yet.', reason: 'required' }} />
    ),
  };
}
