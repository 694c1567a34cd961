import type { StepProgress, WorkflowProgress } from '../../workflows/workflow-progress.js';
import { RefusedError } from '../failures.js';
import { BY, REASON, whoIsHere } from '../options.js';
import { counted, fields, shortened } from '../output/text.js';
import type { Session } from '../session/session.js';
import { option, textArgument, type Verb, type VerbArgument } from '../verb.js';

const UUID: VerbArgument = { name: '<uuid>', about: 'of the workflow, as publish returned it' };

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
    const [by, why] = [option<string>(call, 'by') ?? whoIsHere(), option<string>(call, 'reason')];
    const reason = `by ${by}${why === undefined ? '' : `: ${why}`}`;
    if (!await session.parts.workflows.handle(uuid).cancel(reason)) throw new RefusedError(`The workflow ${uuid} has ended already.`, { uuid });
    return { data: { cancelled: uuid, reason }, text: `workflow ${uuid} is called off` };
  },
};

export const workflowsRetry: Verb = {
  name: 'workflows retry',
  summary: 'let a failed workflow go on where it stopped',
  arguments: [UUID],
  examples: [['workflows retry 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11', 'the failed steps run anew']],
  run: async ({ open }, call) => {
    const session = await open();
    const { uuid, status } = await progressOf(session, textArgument(call, 0));
    if (status !== 'failed') throw new RefusedError(`The workflow ${uuid} has the status "${status}"; only a failed one can be retried.`, { uuid, status });
    const steps = await session.parts.workflows.handle(uuid).retry();
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
