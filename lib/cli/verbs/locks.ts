import type { LockInfo } from '../../inspection/model.js';
import { confirm } from '../confirm.js';
import { RefusedError } from '../failures.js';
import { BY, count, REASON, whoIsHere, YES } from '../options.js';
import { table } from '../output/text.js';
import { option, textArgument, type Verb } from '../verb.js';

export const locksList: Verb = {
  name: 'locks list',
  summary: 'unique keys, windows, lines of ordered tasks and places of limits that are held, and by which tasks',
  notes: ['Of unique keys, windows and lines it knows those of what runs, and of the last 1,000 tasks that each living process published with one: no store can list them.'],
  options: [
    { flags: '--name <task>', about: 'of this name; * stands for any text' },
    { flags: '--key <key>', about: 'this very key, whoever took it' },
    { flags: '--limit <count>', about: 'how many of each kind at most, to 1000', parse: count, fallback: '200' },
  ],
  examples: [['locks list', 'what is held now'], ['locks list --key unique:orders:report:key:ann', 'one key']],
  run: async ({ open }, call) => {
    const [name, key, limit] = [option<string>(call, 'name'), option<string>(call, 'key'), option<number>(call, 'limit')];
    const locks = await (await open()).inspection.locks({ ...name === undefined ? {} : { name }, ...key === undefined ? {} : { key }, ...limit === undefined ? {} : { limit } });
    return { data: { locks }, text: locks.length === 0 ? 'nothing is held' : table(['KIND', 'TASK', 'KEY', 'STATE', 'HELD', 'BY', 'UNTIL'], locks.map(rowOf)) };
  },
};

export const locksRelease: Verb = {
  name: 'locks release',
  summary: 'free a unique key whose task is gone for good, or let a line go on behind one',
  notes: ['Where the task is there all the same it runs, beside the next one of its key.'],
  arguments: [{ name: '<key>', about: 'as `locks list` shows it' }],
  options: [REASON, BY, YES],
  examples: [['locks release unique:orders:report:key:ann --reason "its queue was deleted" --yes', 'the next task of this key is taken']],
  run: async (context, call) => {
    const key = textArgument(call, 0);
    const { parts: { uniqueKeys } } = await context.open();
    await confirm(context, option(call, 'yes') === true, `free the unique key "${key}"`, key);
    const [by, reason] = [option<string>(call, 'by') ?? whoIsHere(), option<string>(call, 'reason') ?? 'no reason given'];
    if (!await uniqueKeys.release(key, { by, reason })) throw new RefusedError(`Nobody holds the unique key "${key}".`, { key });
    return { data: { released: { key, by, reason } }, text: `the unique key "${key}" is free` };
  },
};

function rowOf({ kind, name, key, limit, state, most, holders, until }: LockInfo): readonly unknown[] {
  const by = holders.map(({ uuid, host, pid, worker }) => (host === undefined ? uuid : `${uuid} (${worker} in ${host}:${pid})`));
  return [limit ?? kind, name, key, state, `${holders.length}/${most}`, by.join(', '), until === undefined ? undefined : new Date(until)];
}
