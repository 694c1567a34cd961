import type { WorkflowFilter } from '../../workflows/workflow-info.js';
import type { StepProgress, WorkflowProgress } from '../../workflows/workflow-progress.js';
import { RefusedError } from '../failures.js';
import { BY, count, instant, REASON, whoAndWhy } from '../options.js';
import { counted, fields, shortened, table } from '../output/text.js';
import type { Session } from '../session/session.js';
import { option, textArgument, type Verb, type VerbArgument } from '../verb.js';

const UUID: VerbArgument = { name: '<uuid>', about: 'of the workflow, as publish returned it' };

export const workflowsList: Verb = {
  name: 'workflows list',
  summary: 'the workflows of the exchange, the latest first',
  notes: ['As long as they are kept; where the applications have a result backend, it has to be named here too.'],
  options: [
    { flags: '--status <status>', about: 'which stand so', choices: ['running', 'succeeded', 'failed', 'cancelled'] },
    { flags: '--name <name>', about: 'whose name is this; * stands for any text' },
    { flags: '--since <time>', about: 'which were published at this time or later; also 2h for two hours ago', parse: instant },
    { flags: '--until <time>', about: 'which were published before this', parse: instant },
    { flags: '--limit <count>', about: 'how many at most, to 200', parse: count, fallback: '50' },
    { flags: '--after <place>', about: 'the next page: what the last one had in "next"' },
  ],
  examples: [['workflows list --status failed --since 1d', 'what failed since yesterday'], ['workflows list --name "*resize*" --json', 'of some names']],
  run: async ({ open }, call) => {
    const time = (name: string): number | undefined => option<Date>(call, name)?.getTime();
    const filter = Object.fromEntries(Object.entries({
      status: option<string>(call, 'status'), name: option<string>(call, 'name'), since: time('since'), until: time('until'), limit: option<number>(call, 'limit'), after: option<string>(call, 'after'),
    }).filter(([, value]) => value !== undefined)) as WorkflowFilter;
    const page = await (await open()).inspection.workflows(filter);
    const rows = page.workflows.map(({ uuid, name, status, startedAt, endedAt, steps, error, reason }) => [
      uuid, shortened(name, 60), status, new Date(startedAt), endedAt === undefined ? undefined : new Date(endedAt), steps === undefined ? undefined : `${steps.ended}/${steps.total}`, shortened(error ?? reason ?? '', 80),
    ]);
    const more = page.next === undefined ? '' : `\n\nmore: --after ${page.next}`;
    return { data: page, text: rows.length === 0 ? `none that fits${more}` : `${table(['UUID', 'WORKFLOW', 'STATUS', 'STARTED', 'ENDED', 'STEPS', 'WHY'], rows)}${more}` };
  },
};

export const workflowsShow: Verb = {
  name: 'workflows show',
  summary: 'where the steps of a workflow are',
  arguments: [UUID],
  examples: [['workflows show 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11', 'its steps as a tree, each with its state']],
  run: async ({ open }, call) => {
    const progress = await progressOf(await open(), textArgument(call, 0));
    const { uuid, status, startedAt, endedAt, retries, reason, root } = progress;
    const head = fields([
      ['workflow', uuid], ['status', status], ['started', new Date(startedAt)], ['ended', endedAt === undefined ? undefined : new Date(endedAt)],
      ['retries', retries === 0 ? undefined : retries], ['reason', reason],
    ]);
    return { data: progress, text: `${head}\n\n${linesOf(root, 0).join('\n')}` };
  },
};

export const workflowsCancel: Verb = {
  name: 'workflows cancel',
  summary: 'call a workflow off with all of its steps',
  arguments: [UUID],
  options: [REASON, BY],
  examples: [['workflows cancel 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11 --reason "wrong file"', 'nothing more of it starts']],
  run: async ({ open }, call) => {
    const session = await open();
    const { uuid } = await progressOf(session, textArgument(call, 0));
    const { by, reason: why } = whoAndWhy(call);
    const reason = `by ${by}${why === undefined ? '' : `: ${why}`}`;
    if ((await session.parts.actions.cancelWorkflows(uuid, whoAndWhy(call))).done === 0) throw new RefusedError(`The workflow ${uuid} has ended already.`, { uuid });
    return { data: { cancelled: uuid, reason }, text: `workflow ${uuid} is called off` };
  },
};

export const workflowsRetry: Verb = {
  name: 'workflows retry',
  summary: 'let a failed workflow go on where it stopped',
  arguments: [UUID],
  options: [BY, REASON],
  examples: [['workflows retry 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11', 'the failed steps run anew']],
  run: async ({ open }, call) => {
    const session = await open();
    const { uuid, status } = await progressOf(session, textArgument(call, 0));
    if (status !== 'failed') throw new RefusedError(`The workflow ${uuid} has the status "${status}"; only a failed one can be retried.`, { uuid, status });
    const { concerned: [went] } = await session.parts.actions.retryWorkflows(uuid, whoAndWhy(call));
    const steps = went?.count ?? 0;
    if (steps === 0) throw new RefusedError(`Nothing of the workflow ${uuid} is left to run: its dead letters are gone.`, { uuid });
    return { data: { retried: uuid, steps }, text: `${counted(steps, 'step')} of workflow ${uuid} run anew` };
  },
};

async function progressOf({ parts }: Session, uuid: string): Promise<WorkflowProgress> {
  const progress = await parts.workflows.handle(uuid).progress();
  if (progress !== undefined) return progress;
  throw new RefusedError(`Nothing is known of a workflow ${uuid}: there was none, it has expired, or the applications have a --result-backend that is not named here.`, { uuid });
}

function linesOf(step: StepProgress, depth: number): string[] {
  const { path, label, status, ended, size, failed, error, steps = [] } = step;
  const members = ended === undefined ? '' : ` ${ended}/${size ?? '?'}${failed === undefined || failed === 0 ? '' : `, ${failed} failed`}`;
  const line = `${'  '.repeat(depth)}${status.padEnd(9)} ${shortened(label, 80)}${members}  (${path})${error === undefined ? '' : `  ${shortened(error, 100)}`}`;
  return [line, ...steps.flatMap((inner) => linesOf(inner, depth + 1))];
}
