import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ask, readUrl } from './api.js';

export interface Reading<Answer> {
  readonly answer?: Answer;
  readonly problem?: string;
  readonly isLoading: boolean;
  /** Asks once more, now. */
  readonly reload: () => void;
}

/**
 * What the server says to this question, asked when it changes.
 *
 * @param everyMs and again and again; 0: only when somebody wants it
 */
export function useRead<Answer>(dispatcher: string, what: string, params: Readonly<Record<string, string | undefined>>, everyMs: number): Reading<Answer> {
  const url = readUrl(dispatcher, what, params);
  const [state, setState] = useState<{ url: string; answer?: Answer; problem?: string; isLoading: boolean }>({ url, isLoading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(0);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  useEffect(() => {
    const mine = ++latest.current;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isLast = (): boolean => latest.current === mine;
    setState((last) => (last.url === url ? { ...last, isLoading: true } : { url, isLoading: true }));
    ask(url).then(
      (answer) => isLast() && setState({ url, answer: answer as Answer, isLoading: false }),
      (error: Error) => isLast() && setState((last) => ({ ...last, problem: error.message, isLoading: false })),
    ).finally(() => {
      if (everyMs > 0 && isLast()) timer = setTimeout(reload, everyMs);
    });
    return () => {
      clearTimeout(timer);
      latest.current++;
    };
  }, [url, turn, everyMs]);
  return { ...state, reload };
}
