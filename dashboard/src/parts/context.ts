import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ActionAnswer } from '../../../lib/dashboard/answers.js';
import type { Live } from '../live.js';
import { go, type Params } from '../route.js';

export interface Scope {
  readonly dispatcher: string;
  readonly mayAct: boolean;
  readonly live: Live;
  readonly paused: boolean;
  readonly view: string;
  readonly params: Params;
  /** Tells what became of an action, to eyes and to screen readers. */
  readonly notify: (answer: ActionAnswer | Error) => void;
}

export const ScopeContext = createContext<Scope | undefined>(undefined);

export function useScope(): Scope {
  const scope = useContext(ScopeContext);
  if (scope === undefined) throw new Error('Outside of the application.');
  return scope;
}

/** Changes what is seen by changing the address; an empty text takes a filter away. */
export function useFilters(): (changes: Readonly<Record<string, string>>) => void {
  const { view, params } = useScope();
  return (changes) => go(view, { ...params, ...changes });
}
