import type { ShownArguments, ShownError } from '../../../lib/dashboard/answers.js';
import type { LogLine } from '../../../lib/inspection/model.js';
import { bytes, instant } from '../format.js';

export function When({ at }: { readonly at: number | undefined }) {
  if (at === undefined) return <>–</>;
  const iso = new Date(at).toISOString();
  return <time dateTime={iso} title={iso}>{instant(at)}</time>;
}

const TONES: Readonly<Record<string, string>> = {
  alive: 'good', ready: 'good', succeeded: 'good', live: 'good', active: 'busy', running: 'busy', connecting: 'busy', retrying: 'warn', waiting: 'plain',
  paused: 'warn', blocked: 'warn', cancelled: 'plain', failed: 'bad', dead: 'bad', lost: 'bad', broken: 'bad', error: 'bad', warn: 'warn', slow: 'warn',
};

export function Badge({ state }: { readonly state: string }) {
  return <span class={`badge ${TONES[state] ?? 'plain'}`}>{state}</span>;
}

export function Args({ args, whole = false }: { readonly args: ShownArguments; readonly whole?: boolean }) {
  const { list, redacted, bytes: size } = args;
  if (list === undefined) return <span class="quiet">{size === undefined ? 'unknown' : `${bytes(size)}, too large to show`}</span>;
  if (list.length === 0) return <span class="quiet">none</span>;
  return (
    <span class={whole ? 'args whole' : 'args'}>
      {list.map(({ type, text, cut }, index) => (
        <span key={index} class="arg"><span class="quiet">{type} </span><code>{text}{cut === true ? ' …' : ''}</code></span>
      ))}
      {redacted === true && <span class="quiet">(redacted)</span>}
    </span>
  );
}

export function ErrorText({ error }: { readonly error: ShownError | undefined }) {
  return error === undefined ? <>–</> : <span class="error-text"><b>{error.name}</b>: {error.message}</span>;
}

export function Stack({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : <pre class="block" tabIndex={0} aria-label="Stack of the error">{text}</pre>;
}

export function Log({ lines }: { readonly lines: readonly LogLine[] }) {
  if (lines.length === 0) return null;
  return (
    <pre class="block" tabIndex={0} aria-label="What the handler logged">
      {lines.map(({ at, level, text }, index) => <span key={index} class={`log ${level}`}>{new Date(at).toISOString().slice(11, 23)} {level.padEnd(7)} {text}{'\n'}</span>)}
    </pre>
  );
}

export function Facts({ facts }: { readonly facts: readonly (readonly [string, preact.ComponentChildren])[] }) {
  return <dl class="facts">{facts.filter(([, value]) => value !== undefined).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}
