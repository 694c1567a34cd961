import { useState } from 'preact/hooks';
import { ask, readUrl } from '../api.js';
import { count } from '../format.js';
import { ActionButton, type Asking } from './action-button.js';
import { useScope } from './context.js';
import { Problem } from './page.js';

/** Something that can be done to all that was counted. */
export interface CountedAction {
  /** `Replay`: the number stands behind it. */
  readonly verb: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly ask: (many: string) => Asking;
}

interface CountedActionsProps {
  /** What is asked of the server for the count. */
  readonly what: string;
  readonly fields: Readonly<Record<string, string | undefined>>;
  readonly actions: readonly CountedAction[];
  readonly label?: string;
  /** Beside the label, for who does not see the row that it stands in. */
  readonly of?: string;
  readonly onDone?: () => void;
}

/** What is done to all that is meant, on whatever page: first they are counted, then as many are concerned and no more. */
export function CountedActions({ what, fields, actions, label = 'Count what fits', of, onDone }: CountedActionsProps) {
  const { dispatcher, mayAct } = useScope();
  const [counted, setCounted] = useState<{ readonly count: number; readonly truncated: boolean; readonly of: string }>();
  const [problem, setProblem] = useState<string>();
  if (!mayAct) return null;
  const url = readUrl(dispatcher, what, fields);
  const known = counted?.of === url ? counted : undefined;
  const start = (): void => {
    setProblem(undefined);
    ask(url).then((found) => setCounted({ ...found as { count: number; truncated: boolean }, of: url }), (error: Error) => setProblem(error.message));
  };
  const done = (): void => {
    setCounted(undefined);
    onDone?.();
  };
  return (
    <>
      <button type="button" onClick={start}>{label}{of !== undefined && <span class="sr"> {of}</span>}</button>
      <Problem text={problem} />
      {known !== undefined && <span role="status"><b>{known.truncated && 'at least '}{count(known.count)}</b> fit</span>}
      {known !== undefined && known.count > 0 && actions.map(({ verb, action, danger = false, ask: asking }) => (
        <ActionButton key={action} label={`${verb} ${count(known.count)}`} {...(of === undefined ? {} : { of })} action={action} fields={{ ...fields, expected: known.count }} onDone={done} danger={danger}
          ask={asking(count(known.count))} />
      ))}
    </>
  );
}
