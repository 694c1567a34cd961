import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { Secret } from '../../urls/secret.js';
import { confirm } from '../confirm.js';
import { ExitCode } from '../exit-code.js';
import { RefusedError, UsageError } from '../failures.js';
import { DRY_RUN, YES } from '../options.js';
import { counted } from '../output/text.js';
import type { Session } from '../session/session.js';
import { FileImport } from '../transfer/import-file.js';
import { MessageFile } from '../transfer/message-file.js';
import { QueueTarget } from '../transfer/queue-target.js';
import { copyMessages, moveMessages, type Receive, type Taken } from '../transfer/take-messages.js';
import { option, textArgument, type Answer, type Verb, type VerbCall, type VerbContext } from '../verb.js';

const RESUME = { flags: '--resume', about: 'go on with what was begun and interrupted' } as const;

export const exportMessages: Verb = {
  name: 'export',
  summary: 'copy or move what waits in a queue, or its dead letters, to a file or to another broker',
  notes: [
    'Bytes and properties stay as they are. Moved is removed once it is certain at the other side: on the disk, or confirmed by the broker.',
    'Whatever dies meanwhile, nothing is lost; what was on its way may then be in both places, under its uuid. Delayed tasks, and those that workers hold, stay.',
    'A copy takes 50,000 messages or 128 MiB at most.',
  ],
  arguments: [{ name: '<queue>', about: 'name of the work queue' }],
  options: [
    { flags: '--to-file <file>', about: 'JSON Lines, for `import`' },
    { flags: '--to-broker <url>', about: 'another broker; or DISPATCHER_TO_BROKER' },
    { flags: '--to-exchange <name>', about: 'the exchange there', fallback: 'the same' },
    { flags: '--to-queue <queue>', about: 'the work queue there; it must exist', fallback: 'the same' },
    { flags: '--dead', about: 'its dead letters, instead of what waits in it' },
    { flags: '--move', about: 'remove here what is certain there' },
    RESUME, DRY_RUN, YES,
  ],
  examples: [
    ['export orders --to-file orders.jsonl', 'a copy of what waits'],
    ['export orders --dead --to-file dead.jsonl --move --yes', 'the dead letters are in the file then, and nowhere else'],
    ['export orders --to-broker amqp://ops@new-rabbit/ --move --yes', 'from one broker to another'],
  ],
  run: runExport,
};

export const importMessages: Verb = {
  name: 'import',
  summary: 'put the messages of a file into a queue, as they were',
  notes: ['What has been confirmed is noted in <file>.imported: so nothing is put there twice, but for what was on its way when something died.'],
  arguments: [{ name: '<file>', about: 'made by `export`' }],
  options: [{ flags: '--to-queue <queue>', about: 'the work queue; it must exist', fallback: 'the one that they were in' }, RESUME, DRY_RUN],
  examples: [['import orders.jsonl', 'back to where they were'], ['import dead.jsonl --to-queue orders-2 --resume', 'goes on with what was interrupted']],
  run: runImport,
};

interface Source { readonly queue: string; readonly dead: boolean; readonly queues: readonly string[]; readonly waiting: number }

async function runExport(context: VerbContext, call: VerbCall): Promise<Answer> {
  const [file, toBroker] = [option<string>(call, 'toFile'), option<string>(call, 'toBroker') ?? (context.terminal.environment['DISPATCHER_TO_BROKER'] || undefined)];
  if ((file === undefined) === (toBroker === undefined)) throw new UsageError('Say where to: --to-file <file>, or --to-broker <url>, one of them.');
  const session = await context.open();
  const source = await sourceOf(session, textArgument(call, 0), option(call, 'dead') === true);
  const move = option(call, 'move') === true;
  const what = `${counted(source.waiting, source.dead ? 'dead letter' : 'task')} of the queue "${source.queue}"`;
  const said = { queue: source.queue, dead: source.dead, to: file ?? 'broker' };
  if (option(call, 'dryRun') === true) return { data: { ...said, dryRun: true, waiting: source.waiting }, text: `${what} would be ${move ? 'moved' : 'copied'}` };
  if (move) await confirm(context, option(call, 'yes') === true, `move ${what}`, source.queue);
  const taken = await withReceiver(context, call, source, { file, toBroker }, (receive) => take(context, session, source, move, receive));
  const { moved, known, truncated } = taken;
  return {
    data: { ...said, dryRun: false, [move ? 'moved' : 'copied']: moved + known, alreadyThere: known, truncated },
    text: [
      `${counted(moved + known, 'message')} ${move ? 'moved' : 'copied'}${known === 0 ? '' : `, ${known} of them were there already`}`,
      ...truncated ? ['there are more than can be copied at once; --move takes them all'] : [],
    ].join('\n'),
    exitCode: truncated ? ExitCode.refused : ExitCode.ok,
  };
}

async function take({ progress, signal }: VerbContext, { broker }: Session, { queues, waiting }: Source, move: boolean, receive: Receive): Promise<Taken> {
  const bar = progress(move ? 'moving' : 'copying', waiting);
  const all: Taken = { moved: 0, known: 0, truncated: false };
  for (const queue of queues) {
    const taken = await (move ? moveMessages : copyMessages)(broker, queue, receive, signal, () => bar.add());
    all.moved += taken.moved;
    all.known += taken.known;
    all.truncated ||= taken.truncated;
  }
  return all;
}

async function withReceiver<T>(context: VerbContext, call: VerbCall, source: Source, { file, toBroker }: { file?: string | undefined; toBroker?: string | undefined }, use: (receive: Receive) => Promise<T>): Promise<T> {
  const { settings, terminal } = context;
  const { queue, dead } = source;
  if (file !== undefined) {
    const opened = await MessageFile.open(resolve(terminal.folder, file), { exchange: settings.exchange, queue, dead, exportedAt: new Date().toISOString() }, option(call, 'resume') === true);
    return use((message) => opened.add(message)).finally(() => opened.close());
  }
  const exchange = option<string>(call, 'toExchange') ?? settings.exchange;
  const toQueue = option<string>(call, 'toQueue') ?? queue;
  const isSame = toBroker === settings.broker.reveal() && exchange === settings.exchange && toQueue === queue;
  if (isSame) throw new UsageError('That is the queue itself. Name another with --to-broker, --to-exchange or --to-queue.');
  const other = await context.open({ ...settings, broker: new Secret(toBroker as string), exchange, defaultRoutingKey: exchange, resultBackend: undefined });
  const target = await QueueTarget.open(other.broker, nameIn(queue, dead), nameIn(toQueue, dead));
  return use(async (message) => target.add(message).then(() => true));
}

async function runImport(context: VerbContext, call: VerbCall): Promise<Answer> {
  const file = resolve(context.terminal.folder, textArgument(call, 0));
  if (!existsSync(file)) throw new RefusedError(`There is no file ${file}.`, { file });
  const source = await FileImport.open(file);
  const { head: { queue, dead } } = source;
  const to = option<string>(call, 'toQueue') ?? queue;
  const messages = await source.count();
  if (option(call, 'dryRun') === true) return { data: { file, queue: to, dead, dryRun: true, messages }, text: `${counted(messages, 'message')} would be put into "${nameIn(to, dead)}"` };
  const { broker, exchange } = await context.open();
  const target = await QueueTarget.open(broker, nameIn(queue, dead), nameIn(to, dead));
  const bar = context.progress('importing', messages);
  const { imported, before } = await source.into(target, { exchange, queue: nameIn(to, dead) }, {
    goOn: option(call, 'resume') === true, signal: context.signal, onImported: (count) => bar.add(count),
  });
  return { data: { file, queue: to, dead, dryRun: false, imported, before }, text: `${counted(imported, 'message')} put into "${nameIn(to, dead)}"${before === 0 ? '' : `, ${before} were there already`}` };
}

async function sourceOf({ parts, broker }: Session, queue: string, dead: boolean): Promise<Source> {
  const own = nameIn(queue, dead);
  if (await broker.depth(own) === undefined) throw new RefusedError(`There is no queue "${own}".`, { queue: own });
  const queues = dead ? [own] : await parts.operations.queuesOf(queue);
  let waiting = 0;
  for (const name of queues) waiting += await broker.depth(name) ?? 0;
  return { queue, dead, queues, waiting };
}

function nameIn(queue: string, dead: boolean): string {
  return dead ? deadLetterQueueOf(queue) : queue;
}
