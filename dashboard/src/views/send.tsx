import { useEffect, useId, useState } from 'preact/hooks';
import type { ArgumentContract, TaskContract } from '../../../lib/contract/model.js';
import { act } from '../api.js';
import { useScope } from '../parts/context.js';
import { exampleOf } from '../parts/example-value.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { useRead } from '../use-read.js';

const TYPES = ['string', 'int', 'bool', 'json', 'float64', 'int64', 'uint64', 'int8', 'int16', 'int32', 'uint', 'uint8', 'uint16', 'uint32', 'float32', '[]string', '[]int', '[]int64', '[]float64', '[]bool'];

interface Argument { readonly type: string; readonly text: string; readonly known?: ArgumentContract }

/** What the processes that live tell of their tasks. */
interface Known { readonly tasks: readonly TaskContract[] }

interface Names { readonly tasks: readonly string[]; readonly queues: readonly string[] }

export function Send() {
  const { dispatcher, mayAct } = useScope();
  const { answer } = useRead<Names>(dispatcher, 'names', {}, 0);
  const contract = useRead<Known>(dispatcher, 'contract', {}, 0).answer;
  return (
    <Page title="Send a task">
      {mayAct ? <SendForm names={answer?.tasks ?? []} known={contract?.tasks ?? []} /> : <Empty>You may look, and not act.</Empty>}
    </Page>
  );
}

function SendForm({ names: listed, known }: { readonly names: readonly string[]; readonly known: readonly TaskContract[] }) {
  const { dispatcher, notify, params: { name: wanted = '' } } = useScope();
  const [fields, setFields] = useState({ name: wanted, version: '', routingKey: '', delaySeconds: '', priority: '' });
  const versions = known.filter(({ name }) => name === fields.name);
  const task = versions.find(({ version }) => String(version) === fields.version) ?? versions.at(-1);
  const [args, setArgs] = useArguments(task);
  const [sent, setSent] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const set = (change: Partial<typeof fields>): void => setFields((last) => ({ ...last, ...change }));
  const names = useId();
  const submit = (event: Event): void => {
    event.preventDefault();
    setProblem(undefined);
    act(dispatcher, 'send', { ...fields, version: fields.version || (versions.length > 1 ? String(task?.version) : ''), args: argumentsText(args) }).then((answer) => {
      notify(answer);
      setSent(answer.uuid);
    }, (error: Error) => setProblem(error.message));
  };
  return (
    <form class="stack card" onSubmit={submit}>
      <label>Task<input type="text" required list={names} value={fields.name} onInput={({ currentTarget }) => set({ name: currentTarget.value })} /></label>
      <datalist id={names}>{listed.map((name) => <option key={name} value={name} />)}</datalist>
      {versions.length > 1 && (
        <label>Version<select value={fields.version} onChange={({ currentTarget }) => set({ version: currentTarget.value })}>{['', ...versions.map(({ version }) => String(version))].map((one) => <option key={one} value={one}>{one === '' ? 'the newest' : one}</option>)}</select></label>
      )}
      {task !== undefined && <TaskAbout task={task} />}
      <ArgumentFields args={args} onChange={setArgs} />
      <label>Routing key (default: that of the task, or of the configuration)<input type="text" value={fields.routingKey} onInput={({ currentTarget }) => set({ routingKey: currentTarget.value })} /></label>
      <label>Delay in seconds<input type="number" min="0" step="any" value={fields.delaySeconds} onInput={({ currentTarget }) => set({ delaySeconds: currentTarget.value })} /></label>
      <label>Priority
        <select value={fields.priority} onChange={({ currentTarget }) => set({ priority: currentTarget.value })}>{['', 'high', 'normal', 'low'].map((one) => <option key={one} value={one}>{one === '' ? 'default' : one}</option>)}</select>
      </label>
      <Problem text={problem} />
      <div class="buttons"><button type="submit" class="primary">Send</button>{sent !== undefined && <span>Sent as <TaskLink uuid={sent} /></span>}</div>
    </form>
  );
}

function TaskAbout({ task: { description, deprecated } }: { readonly task: TaskContract }) {
  return (
    <>
      {description !== undefined && <p>{description}</p>}
      {deprecated !== undefined && <p class="warning">Deprecated{deprecated === true ? '' : `: ${deprecated}`}</p>}
    </>
  );
}

/** Those of the task that is named, to be filled in; whatever was typed is kept while that stays the same. */
function useArguments(task: TaskContract | undefined): [readonly Argument[], (args: readonly Argument[]) => void] {
  const [args, setArgs] = useState<readonly Argument[]>([]);
  const key = task === undefined ? undefined : `${task.name}@${task.version}`;
  useEffect(() => {
    if (task !== undefined) setArgs(task.arguments.map(begun));
  }, [key]);
  return [args, setArgs];
}

function begun(known: ArgumentContract): Argument {
  const type = known.types?.[0] ?? 'json';
  const example = exampleOf(known.schema);
  return { type, known, text: type === 'string' ? (typeof example === 'string' ? example : '') : JSON.stringify(example) };
}

function ArgumentFields({ args, onChange }: { readonly args: readonly Argument[]; readonly onChange: (args: readonly Argument[]) => void }) {
  const change = (index: number, to: Argument): void => onChange(args.map((argument, at) => (at === index ? to : argument)));
  return (
    <fieldset>
      <legend>Arguments, in order</legend>
      {args.map((argument, index) => (
        <div class="argument" key={index}>
          <label>Type<select value={argument.type} onChange={({ currentTarget }) => change(index, { ...argument, type: currentTarget.value })}>{TYPES.map((one) => <option key={one}>{one}</option>)}</select></label>
          <label class="grow">{labelOf(argument)}<input type="text" class="mono" value={argument.text} spellcheck={false} onInput={({ currentTarget }) => change(index, { ...argument, text: currentTarget.value })} /></label>
          <button type="button" onClick={() => onChange(args.filter((_, at) => at !== index))}>Remove<span class="sr"> argument {index + 1}</span></button>
          {typeof argument.known?.schema === 'object' && <details><summary>Schema</summary><pre>{JSON.stringify(argument.known.schema, null, 2)}</pre></details>}
        </div>
      ))}
      <button type="button" onClick={() => onChange([...args, { type: 'string', text: '' }])}>Add an argument</button>
    </fieldset>
  );
}

function labelOf({ type, known }: Argument): string {
  const name = known?.name ?? 'Value';
  return `${name}${known?.required === false ? ' (may be left out)' : ''}${type === 'string' ? '' : ', as JSON'}`;
}

/** By its text alone: what is typed as a number goes as it was typed. */
function argumentsText(args: readonly Argument[]): string {
  return `[${args.map(({ type, text }) => `{"type":${JSON.stringify(type)},"value":${type === 'string' ? JSON.stringify(text) : text.trim() === '' ? 'null' : text}}`).join(',')}]`;
}
