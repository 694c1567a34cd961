import { EVENT_LEVELS } from '../../events/event-stamp.js';
import type { FollowedEvent } from '../../inspection/following/followed-event.js';
import type { FollowFilter } from '../../inspection/following/follow-filter.js';
import { collected, count, seconds } from '../options.js';
import { toJson } from '../output/json.js';
import { Lines } from '../output/lines.js';
import { counted, printable } from '../output/text.js';
import { write } from '../terminal.js';
import { option, type Verb, type VerbCall, type VerbContext } from '../verb.js';

const DEFAULT_SECONDS = 10;

export const events: Verb = {
  name: 'events',
  summary: 'what happens in all processes from now on, a line each',
  notes: [
    'Processes tell of it while somebody follows, and of what is too much at once only how many there were more.',
    'With --json each line is a JSON document. Ends with Ctrl-C, or when whoever reads has enough.',
  ],
  options: [
    { flags: '-f, --follow', about: 'until Ctrl-C' },
    { flags: '--for <duration>', about: 'without --follow: for how long', parse: seconds, fallback: `${DEFAULT_SECONDS}s` },
    { flags: '--limit <count>', about: 'end after so many', parse: count },
    { flags: '--type <type>', about: 'of this type; * stands for any text: task.*. May be repeated', parse: collected },
    { flags: '--level <level>', about: 'this one and those that matter more', choices: EVENT_LEVELS, fallback: 'log; debug with --type' },
    { flags: '--name <task>', about: 'of tasks of this name; * stands for any text' },
    { flags: '--queue <queue>', about: 'of this queue' },
    { flags: '--process <id>', about: 'of this process, as `inspect` shows it' },
  ],
  examples: [
    ['events --follow', 'as the logs of all processes tell it'],
    ['events --follow --type "task.*" --name "mail.*"', 'each step of some tasks'],
    ['events --for 1m --level error --json', 'one JSON document a line, for a minute'],
  ],
  run: async (context, call) => {
    await follow(context, call);
    return { data: undefined, text: '' };
  },
};

/** Until the time is over, enough has been seen, or nobody reads any more. */
async function follow({ open, terminal: { stdout, stderr }, json, signal }: VerbContext, call: VerbCall): Promise<void> {
  const { inspection } = await open();
  const lines = new Lines(stdout);
  const endsInMs = option<boolean>(call, 'follow') === true ? undefined : (option<number>(call, 'for') ?? DEFAULT_SECONDS) * 1000;
  let left = option<number>(call, 'limit') ?? Infinity;
  await new Promise<void>((resolve, reject) => {
    const timer = endsInMs === undefined ? undefined : setTimeout(() => end(), endsInMs);
    const subscription = inspection.events(filterOf(call)).subscribe({
      next: (event) => {
        lines.add(json ? toJson(event) : lineOf(event));
        if (--left <= 0) end();
      },
      error: (error: Error) => end(error),
      complete: () => end(),
    });
    const onClosed = (): void => end();
    const onInterrupted = (): void => end();
    const end = (error?: Error): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      stdout.off('error', onClosed);
      signal.removeEventListener('abort', onInterrupted);
      if (error === undefined) resolve();
      else reject(error);
    };
    stdout.on('error', onClosed);
    signal.addEventListener('abort', onInterrupted, { once: true });
  });
  await lines.done();
  if (lines.dropped > 0) await write(stderr, `${counted(lines.dropped, 'event')} could not be printed as fast as they came, and were left out.\n`);
}

function lineOf({ at, level, type, text, host, pid, dropped }: FollowedEvent): string {
  const line = printable(`${new Date(at).toISOString()}  ${level.padEnd(5)}  ${host}:${pid}  ${type}  ${text}`);
  return dropped === undefined ? line : `${line}\n(${counted(dropped, 'event')} more of ${printable(host)}:${pid} left out)`;
}

function filterOf(call: VerbCall): FollowFilter {
  const { level, type, name, queue, process } = call.options as FollowFilter;
  return Object.fromEntries(Object.entries({ level, type, name, queue, process }).filter(([, value]) => value !== undefined));
}
