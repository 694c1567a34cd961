import type { ActionResult } from '../../dispatcher/actions/action-result.js';
import { RefusedError } from '../failures.js';
import { BY, count, DRY_RUN, REASON, whoAndWhy } from '../options.js';
import { counted, table } from '../output/text.js';
import { option, textArgument, type Verb, type VerbArgument, type VerbCall } from '../verb.js';
import { wouldBe } from './action-answers.js';

const WORKER: VerbArgument = { name: '<worker>', about: 'name of the workers' };

export const limit: Verb = {
  name: 'limit',
  summary: 'say how many tasks the workers of a name run at once, in every process',
  notes: ['Each worker of that name runs so many, in place of its configuration, through restarts, until `unlimit`. A smaller number stops nothing: it holds as running tasks end. A name with * stands for all known ones that fit.'],
  arguments: [WORKER, { name: '<count>', about: 'how many, from 1' }],
  options: [REASON, BY, DRY_RUN],
  examples: [['limit mail_1 1 --reason "the provider is slow"', 'one at a time in each process'], ['limit "*" 20 --dry-run', 'which workers that would be']],
  run: async ({ open }, call) => {
    const [worker, most] = [textArgument(call, 0), count(textArgument(call, 1))];
    const result = await (await open()).parts.actions.limit(worker, most, optionsOf(call));
    if (result.dryRun) return wouldBe(result, 'limited');
    return { data: { worker, limit: most, ...severalOf(worker, result) }, text: saying(worker, result, `run ${counted(most, 'task')} at once`) };
  },
};

export const unlimit: Verb = {
  name: 'unlimit',
  summary: 'take back what limit has set: the configuration counts again',
  arguments: [WORKER],
  options: [REASON, BY, DRY_RUN],
  examples: [['unlimit mail_1', 'as many as it is configured to run'], ['unlimit "*"', 'every limit that is set']],
  run: async ({ open }, call) => {
    const worker = textArgument(call, 0);
    const result = await (await open()).parts.actions.unlimit(worker, optionsOf(call));
    if (result.dryRun) return wouldBe(result, 'taken back');
    if (result.matched === 0) throw new RefusedError(`No limit is set for workers "${worker}". \`limits\` lists those that are.`, { worker });
    return { data: { worker, ...severalOf(worker, result) }, text: saying(worker, result, 'run as many as they are configured to') };
  },
};

export const limits: Verb = {
  name: 'limits',
  summary: 'which limits are set for workers, by whom, since when and why',
  notes: ['Those that `limit` has set. What each worker runs, whoever has said so, is told by `inspect`; the limits of tasks by `locks list`.'],
  examples: [['limits', 'all of the exchange']],
  run: async ({ open }) => {
    const set = await (await open()).parts.operations.workerLimits();
    return {
      data: { limits: set },
      text: set.length === 0 ? 'no limit is set' : table(['WORKER', 'LIMIT', 'BY', 'SINCE', 'REASON'], set.map((one) => [one.worker, one.limit, one.by, one.since, one.reason ?? ''])),
    };
  },
};

function optionsOf(call: VerbCall): { by: string; reason?: string; dryRun: boolean } {
  return { ...whoAndWhy(call), dryRun: option(call, 'dryRun') === true };
}

/** Of a pattern also which they were. */
function severalOf(worker: string, { done, failed, concerned }: ActionResult): object {
  return worker.includes('*') ? { done, failed, names: concerned.map(({ id }) => id) } : {};
}

function saying(worker: string, { done, failed }: ActionResult, what: string): string {
  if (!worker.includes('*')) return `workers "${worker}" ${what}`;
  return [`${counted(done, 'worker')}: they ${what}`, ...failed.map(({ id, error }) => `not ${id}: ${error}`)].join('\n');
}
