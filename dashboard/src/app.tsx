import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ActionAnswer, SessionAnswer } from '../../lib/dashboard/answers.js';
import { readSession } from './api.js';
import { Frame } from './frame.js';
import { useLive } from './live.js';
import { ScopeContext, type Scope } from './parts/context.js';
import { Problem } from './parts/page.js';
import { useRoute } from './route.js';
import { VIEWS } from './views/index.js';

const NOTICE_MS = 8_000;
const SESSION_MS = 30_000;

export function App() {
  const { session, problem } = useSession();
  if (session !== undefined && session.dispatchers.length > 0) return <Signed session={session} problem={problem} />;
  return (
    <main class="alone">
      <h1>Dispatcher</h1>
      {session === undefined && problem === undefined ? <p>Loading ...</p> : <Problem text={problem ?? 'There is nothing here that you may look at.'} />}
    </main>
  );
}

/** Who is signed in, asked again and again: a session ends, and rights change. */
function useSession(): { session?: SessionAnswer; problem?: string } {
  const [state, setState] = useState<{ session?: SessionAnswer; problem?: string }>({});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      readSession()
        .then((session) => setState({ session }), (error: Error) => setState((last) => ({ ...last, problem: error.message })))
        .finally(() => { timer = setTimeout(look, SESSION_MS); });
    };
    look();
    return () => clearTimeout(timer);
  }, []);
  return state;
}

function Signed({ session, problem }: { readonly session: SessionAnswer; readonly problem: string | undefined }) {
  const { view: wanted, params } = useRoute();
  const view = Object.hasOwn(VIEWS, wanted) ? wanted : 'overview';
  const shown = VIEWS[view];
  const access = session.dispatchers.find(({ name }) => name === params['dispatcher']) ?? session.dispatchers[0];
  const [paused, setPaused] = useState(false);
  const [notice, notify] = useNotice();
  const dispatcher = access?.name ?? '';
  const topics = [...new Set(['overview', ...shown?.topics?.(params) ?? []])].join(',');
  const live = useLive(dispatcher, topics, paused);
  useFocusOnTitle(`${view} ${dispatcher}`);
  const scope = useMemo((): Scope => ({ dispatcher, mayAct: access?.mayAct ?? false, live, paused, view, params, notify }), [dispatcher, access?.mayAct, live, paused, view, params, notify]);
  if (shown === undefined) return null;
  const { component: Component } = shown;
  return (
    <ScopeContext.Provider value={scope}>
      <Frame session={session} notice={notice} problem={problem} onPause={setPaused}>
        <Component key={`${view} ${dispatcher}`} />
      </Frame>
    </ScopeContext.Provider>
  );
}

export interface Notice { readonly text: string; readonly isProblem: boolean }

function useNotice(): [Notice | undefined, (answer: ActionAnswer | Error) => void] {
  const [notice, setNotice] = useState<Notice>();
  useEffect(() => {
    if (notice === undefined) return undefined;
    const timer = setTimeout(() => setNotice(undefined), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  const notify = useCallback((answer: ActionAnswer | Error) => setNotice(noticeOf(answer)), []);
  return [notice, notify];
}

function noticeOf(answer: ActionAnswer | Error): Notice {
  if (answer instanceof Error) return { text: answer.message, isProblem: true };
  const failed = answer.failed ?? [];
  const more = failed.length === 0 ? '' : ` ${failed.length} could not be: ${failed[0]?.error}`;
  return { text: answer.text + more, isProblem: failed.length > 0 };
}

/** Who uses a keyboard or a screen reader goes on where the new view begins. Not on the first one: there they are anyway. */
function useFocusOnTitle(view: string): void {
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else document.getElementById('title')?.focus();
  }, [view]);
}
