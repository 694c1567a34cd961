import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SessionAnswer } from '../../lib/dashboard/answers.js';
import type { Notice } from './app.js';
import { useScope } from './parts/context.js';
import { Badge } from './parts/shown.js';
import { go, hrefOf } from './route.js';
import { chooseTheme, chosenTheme, THEMES, type Theme } from './theme.js';
import { VIEWS } from './views/index.js';

interface FrameProps {
  readonly session: SessionAnswer;
  readonly notice: Notice | undefined;
  readonly problem: string | undefined;
  readonly onPause: (paused: boolean) => void;
  readonly children: ComponentChildren;
}

export function Frame({ session, notice, problem, onPause, children }: FrameProps) {
  return (
    <div class="frame">
      <a class="skip" href="#title" onClick={(event) => { event.preventDefault(); document.getElementById('title')?.focus(); }}>Skip to the content</a>
      <Header session={session} onPause={onPause} />
      <Menu />
      <main>
        <Warnings session={session} problem={problem} />
        {children}
      </main>
      <div class={`notice ${notice?.isProblem === true ? 'bad' : ''}`} role="status" aria-live="polite">{notice?.text}</div>
    </div>
  );
}

function Header({ session, onPause }: Pick<FrameProps, 'session' | 'onPause'>) {
  const { dispatcher, paused, live, view } = useScope();
  const { user, dispatchers } = session;
  return (
    <header>
      <strong class="brand">Dispatcher</strong>
      {dispatchers.length > 1 && (
        <label><span class="sr">Dispatcher</span>
          <select value={dispatcher} onChange={({ currentTarget }) => go(view, { dispatcher: currentTarget.value })}>{dispatchers.map(({ name }) => <option key={name}>{name}</option>)}</select>
        </label>
      )}
      <span class="grow" />
      <span>Broker <Badge state={live.topics.overview?.connection.status ?? 'unknown'} /></span>
      <span>Updates <Badge state={live.status} /></span>
      <button type="button" aria-pressed={paused} onClick={() => onPause(!paused)}>{paused ? 'Go on' : 'Pause'}</button>
      <ThemeChoice />
      <span class="quiet user">{user}</span>
    </header>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  useEffect(() => chooseTheme(theme), [theme]);
  return (
    <label><span class="sr">Colours</span>
      <select value={theme} onChange={({ currentTarget }) => setTheme(currentTarget.value as Theme)}>{THEMES.map((one) => <option key={one}>{one}</option>)}</select>
    </label>
  );
}

function Menu() {
  const { view: current, dispatcher, live: { topics: { overview } } } = useScope();
  const counts: Readonly<Record<string, number | undefined>> = { running: overview?.running, dead: overview?.dead, queues: overview?.waiting };
  return (
    <nav aria-label="Views">
      <ul>
        {Object.entries(VIEWS).filter(([, { isHidden }]) => isHidden !== true).map(([name, { title }]) => (
          <li key={name}>
            <a href={hrefOf(name, { dispatcher })} aria-current={name === current || (name === 'dead' && current === 'letter') ? 'page' : undefined}>
              {title}{(counts[name] ?? 0) > 0 && <span class="count">{counts[name]}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Warnings({ session: { insecure, readOnly }, problem }: { readonly session: SessionAnswer; readonly problem: string | undefined }) {
  const { live: { status, topics: { overview } } } = useScope();
  const { connection, problem: unseen } = overview ?? {};
  return (
    <>
      {insecure && <p class="hint">Insecure: whoever uses this machine may look and act.</p>}
      {readOnly && <p class="hint">Read-only: nobody acts from here.</p>}
      {problem !== undefined && <p class="problem" role="alert">{problem}</p>}
      {status === 'lost' && <p class="problem" role="alert">The server does not answer; what you see is of before. This page tries again by itself.</p>}
      {connection !== undefined && connection.status !== 'ready' && <p class="problem" role="alert">The broker is {connection.status}{connection.cause !== undefined && `: ${connection.cause}`}. What you see is of before.</p>}
      {unseen !== undefined && connection?.status === 'ready' && <p class="problem" role="alert">The system could not be looked at: {unseen}</p>}
    </>
  );
}
