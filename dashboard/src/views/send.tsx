import { useId, useState } from 'preact/hooks';
import { act } from '../api.js';
import { useScope } from '../parts/context.js';
import { TaskLink } from '../parts/link.js';
import { Empty, Page, Problem } from '../parts/page.js';
import { useRead } from '../use-read.js';

const TYPES = ['string', 'int', 'bool', 'json', 'float64', 'int64', 'uint64', 'int8', 'int16', 'int32', 'uint', 'uint8', 'uint16', 'uint32', 'float32', '[]string', '[]int', '[]int64', '[]float64', '[]bool'];

interface Argument { readonly type: string; readonly text: string }

interface Names { readonly tasks: readonly string[]; readonly queues: readonly string[] }

export function Send() {
  const { dispatcher, mayAct } = useScope();
  const { answer } = useRead<Names>(dispatcher, 'names', {}, 0);
  return (
    <Page title="Send a task">
      {mayAct ? <SendForm known={answer?.tasks ?? []} /> : <Empty>You may look, and not act.</Empty>}
    </Page>
  );
}

function SendForm({ known }: { readonly known: readonly string[] }) {
  const { dispatcher, notify, params: { name: wanted = '' } } = useScope();
  const [fields, setFields] = useState({ name: wanted, routingKey: '', delaySeconds: '', priority: '' });
  const [args, setArgs] = useState<readonly Argument[]>([]);
  const [sent, setSent] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const set = (change: Partial<typeof fields>): void => setFields((last) => ({ ...last, ...change }));
  const names = useId();
  const submit = (event: Event): void => {
    event.preventDefault();
    setProblem(undefined);
    act(dispatcher, 'send', { ...fields, args: argumentsText(args) }).then((answer) => {
      notify(answer);
      setSent(answer.uuid);
    }, (error: Error) => setProblem(error.message));
  };
  return (
    <form class="stack card" onSubmit={submit}>
      <label>Task<input type="text" required list={names} value={fields.name} onInput={({ currentTarget }) => set({ name: currentTarget.value })} /></label>
      <datalist id={names}>{known.map((name) => <option key={name} value={name} />)}</datalist>
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

function ArgumentFields({ args, onChange }: { readonly args: readonly Argument[]; readonly onChange: (args: readonly Argument[]) => void }) {
  const change = (index: number, to: Argument): void => onChange(args.map((argument, at) => (at === index ? to : argument)));
  return (
    <fieldset>
      <legend>Arguments, in order</legend>
      {args.map(({ type, text }, index) => (
        <div class="argument" key={index}>
          <label>Type<select value={type} onChange={({ currentTarget }) => change(index, { type: currentTarget.value, text })}>{TYPES.map((one) => <option key={one}>{one}</option>)}</select></label>
          <label class="grow">Value{type === 'string' ? '' : ', as JSON'}<input type="text" class="mono" value={text} spellcheck={false} onInput={({ currentTarget }) => change(index, { type, text: currentTarget.value })} /></label>
          <button type="button" onClick={() => onChange(args.filter((_, at) => at !== index))}>Remove<span class="sr"> argument {index + 1}</span></button>
        </div>
      ))}
      <button type="button" onClick={() => onChange([...args, { type: 'string', text: '' }])}>Add an argument</button>
    </fieldset>
  );
}

/** By its text alone: what is typed as a number goes as it was typed. */
function argumentsText(args: readonly Argument[]): string {
  return `[${args.map(({ type, text }) => `{"type":${JSON.stringify(type)},"value":${type === 'string' ? JSON.stringify(text) : text.trim() === '' ? 'null' : text}}`).join(',')}]`;
}
