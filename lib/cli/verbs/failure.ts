import { confirm } from '../confirm.js';
import { ExitCode } from '../exit-code.js';
import { RefusedError } from '../failures.js';
import { BY, DRY_RUN, REASON, whoAndWhy, YES } from '../options.js';
import { counted } from '../output/text.js';
import { option, textArgument, type Verb, type VerbArgument, type VerbOption } from '../verb.js';
import { wouldBe } from './action-answers.js';

const GROUP: VerbArgument = { name: '<group>', about: 'its id, as `failures` shows it' };
const QUEUE: VerbOption = { flags: '--queue <queue>', about: 'in this queue alone; * stands for any text', fallback: 'all that are known' };
const KNOWN = 'Its dead letters are found in the queues of "queues" of the configuration and of the workers that answer.';

export const failureRetry: Verb = {
  name: 'failure retry',
  summary: 'run all dead letters of one kind of failure anew',
  notes: [KNOWN],
  arguments: [GROUP],
  options: [QUEUE, DRY_RUN, BY, REASON],
  examples: [['failure retry 0f3a5c7e9b1d2f40 --dry-run', 'how many, and which'], ['failure retry 0f3a5c7e9b1d2f40', 'all of them']],
  run: async ({ open }, call) => {
    const [group, queue] = [textArgument(call, 0), option<string>(call, 'queue')];
    const { parts: { actions } } = await open();
    const result = await actions.replay({ group, ...queue === undefined ? {} : { queue } }, { ...whoAndWhy(call), dryRun: option(call, 'dryRun') === true });
    if (result.dryRun) return wouldBe(result, 'replayed');
    const { matched, done: replayed, failed, truncated } = result;
    return {
      data: { group, replayed, failed, truncated }, text: [`${counted(replayed, 'dead letter')} replayed`, ...failed.map(({ id, error }) => `${id} stays: ${error}`)].join('\n'),
      exitCode: replayed < matched || truncated ? ExitCode.refused : ExitCode.ok,
    };
  },
};

export const failureDiscard: Verb = {
  name: 'failure discard',
  summary: 'remove all dead letters of one kind of failure for good',
  notes: [KNOWN],
  arguments: [GROUP],
  options: [QUEUE, DRY_RUN, YES, BY, REASON],
  examples: [['failure discard 0f3a5c7e9b1d2f40 --reason "mended by hand"', 'asks before it does']],
  run: async (context, call) => {
    const [group, queue] = [textArgument(call, 0), option<string>(call, 'queue')];
    const { parts: { actions } } = await context.open();
    const selection = { group, ...queue === undefined ? {} : { queue } };
    const found = await actions.discard(selection, { ...whoAndWhy(call), dryRun: true });
    if (option(call, 'dryRun') === true) return wouldBe(found, 'discarded');
    await confirm(context, option(call, 'yes') === true, `discard ${counted(found.matched, 'dead letter')} of the failures ${group} for good`, group);
    const { done: discarded, truncated } = await actions.discard(selection, { ...whoAndWhy(call), expected: found.matched });
    return { data: { group, discarded, truncated }, text: `${counted(discarded, 'dead letter')} discarded` };
  },
};

export const failureAnnotate: Verb = {
  name: 'failure annotate',
  summary: 'note something of one kind of failure, for all who look at it',
  arguments: [GROUP, { name: '<text>', about: 'in place of what was noted before' }],
  options: [BY],
  examples: [['failure annotate 0f3a5c7e9b1d2f40 "known; mended on Friday"', 'others see it beside the failures']],
  run: async ({ open }, call) => {
    const [group, text] = [textArgument(call, 0), textArgument(call, 1)];
    const { by } = whoAndWhy(call);
    await (await open()).parts.actions.annotateFailures(group, text, { by });
    return { data: { group, note: { text, by } }, text: `noted of ${group}` };
  },
};

export const failureForget: Verb = {
  name: 'failure forget',
  summary: 'take back what was noted of one kind of failure',
  arguments: [GROUP],
  options: [BY],
  examples: [['failure forget 0f3a5c7e9b1d2f40', 'the note is gone for all']],
  run: async ({ open }, call) => {
    const group = textArgument(call, 0);
    const { matched } = await (await open()).parts.actions.forgetNote(group, whoAndWhy(call));
    if (matched === 0) throw new RefusedError(`Nothing was noted of ${group}.`, { group });
    return { data: { group, forgotten: true }, text: `nothing is noted of ${group} any more` };
  },
};
