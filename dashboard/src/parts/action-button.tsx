import { useState } from 'preact/hooks';
import type { ActionAnswer } from '../../../lib/dashboard/answers.js';
import { act } from '../api.js';
import { useScope } from './context.js';
import { Dialog } from './dialog.js';
import { Problem } from './page.js';

interface Fill {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** Nothing is sent then. */
  readonly mayBeLeftOut?: boolean;
}

/** What is asked of a person before something is done. */
export interface Asking {
  readonly title: string;
  readonly text: string;
  /** Has to be typed: for what cannot be undone. */
  readonly typed?: string;
  /** Why it is done: who is to know, for others. */
  readonly reason?: 'required' | 'optional';
  /** Texts that are sent with it, by their names. */
  readonly fill?: readonly Fill[];
}

interface ActionButtonProps {
  readonly label: string;
  /** Beside the label, for who does not see the row that it stands in. */
  readonly of?: string;
  readonly action: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly ask?: Asking;
  readonly danger?: boolean;
  readonly onDone?: (answer: ActionAnswer) => void;
}

/** Does something to the system. Where somebody may not, there is no button. */
export function ActionButton({ label, of, action, fields, ask, danger = false, onDone }: ActionButtonProps) {
  const { dispatcher, mayAct, notify } = useScope();
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  if (!mayAct) return null;
  const run = async (more: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    setBusy(true);
    try {
      const answer = await act(dispatcher, action, { ...fields, ...more });
      notify(answer);
      setAsking(false);
      onDone?.(answer);
    } catch (error) {
      notify(error as Error);
      throw error;
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class={danger ? 'danger' : ''} disabled={isBusy} onClick={() => (ask === undefined ? void run().catch(() => undefined) : setAsking(true))}>
        {label}{of !== undefined && <span class="sr"> {of}</span>}
      </button>
      {isAsking && ask !== undefined && <Question ask={ask} label={label} danger={danger} isBusy={isBusy} onYes={run} onNo={() => setAsking(false)} />}
    </>
  );
}

interface QuestionProps {
  readonly ask: Asking;
  readonly label: string;
  readonly danger: boolean;
  readonly isBusy: boolean;
  readonly onYes: (more: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly onNo: () => void;
}

function Question({ ask, label, danger, isBusy, onYes, onNo }: QuestionProps) {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const { fill = [] } = ask;
  const [filled, setFilled] = useState<Readonly<Record<string, string>>>(Object.fromEntries(fill.map(({ name, value }) => [name, value])));
  const [problem, setProblem] = useState<string>();
  const isReady = (ask.typed === undefined || typed === ask.typed) && (ask.reason !== 'required' || reason.trim() !== '') && fill.every(({ name, mayBeLeftOut }) => mayBeLeftOut || filled[name]?.trim() !== '');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isReady || isBusy) return;
    void onYes({ ...(ask.typed === undefined ? {} : { confirm: typed }), ...(reason === '' ? {} : { reason }), ...Object.fromEntries(Object.entries(filled).filter(([, text]) => text.trim() !== '')) }).catch((error: Error) => setProblem(error.message));
  };
  return (
    <Dialog title={ask.title} onClose={onNo}>
      <form onSubmit={submit}>
        <p>{ask.text}</p>
        {fill.map(({ name, label: what }, index) => (
          <label key={name}>{what}
            <textarea rows={fill.length > 1 ? 1 : 3} maxLength={2_000} autofocus={index === 0} value={filled[name] ?? ''} onInput={({ currentTarget: { value } }) => setFilled((before) => ({ ...before, [name]: value }))} />
          </label>
        ))}
        {ask.reason !== undefined && (
          <label>Reason{ask.reason === 'required' ? '' : ' (may be left out)'}
            <input type="text" value={reason} maxLength={500} autofocus onInput={({ currentTarget }) => setReason(currentTarget.value)} />
          </label>
        )}
        {ask.typed !== undefined && (
          <label>Type <code>{ask.typed}</code> to confirm
            <input type="text" value={typed} autocomplete="off" spellcheck={false} onInput={({ currentTarget }) => setTyped(currentTarget.value)} />
          </label>
        )}
        <Problem text={problem} />
        <div class="buttons">
          <button type="button" onClick={onNo}>Cancel</button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={!isReady || isBusy}>{label}</button>
        </div>
      </form>
    </Dialog>
  );
}
