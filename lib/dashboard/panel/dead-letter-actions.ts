import type { ActionResult } from '../../index.js';
import type { ActionAnswer } from '../answers.js';
import type { Fields } from '../http/fields.js';
import { notFound } from '../http/refusal.js';
import { confirmed, counted, who } from './asked.js';
import { deadLetterFilter } from './dead-letters.js';
import { argumentsOf } from './exact-json.js';
import type { Action } from './panel.js';

/** Conditions of the page, as they stand in the audit. */
const CONDITIONS = ['name', 'reason', 'error', 'search', 'before', 'since'] as const;

/** What is done to dead letters: one by its id, all that a filter means, or all of one kind of failure. One at a time. */
export const DEAD_LETTER_ACTIONS: Readonly<Record<string, Action>> = {
  replay: async ({ service, deadLetterTurns }, fields, by) => {
    const [queue, id, args] = [fields.required('queue'), fields.required('id'), fields.text('args', Infinity)];
    const edited = args === undefined ? undefined : argumentsOf(args);
    const { matched } = await deadLetterTurns.take(() => service.actions.replay({ queue, ids: [id] }, { by, expected: 1, ...(edited === undefined ? {} : { edit: () => edited }) }));
    if (matched === 0) throw gone();
    return { text: `Replayed ${id}.`, count: 1 };
  },
  discard: async ({ service, deadLetterTurns }, fields, by) => {
    const [queue, id] = [fields.required('queue'), fields.required('id')];
    const { matched } = await deadLetterTurns.take(() => service.actions.discard({ queue, ids: [id] }, { by, expected: 1 }));
    if (matched === 0) throw gone();
    return { text: `Discarded ${id}.`, count: 1 };
  },
  'replay-all': async ({ service, deadLetterTurns, curtain }, fields, by) => {
    const [queue, expected] = [fields.required('queue'), counted(fields)];
    const filter = deadLetterFilter(fields, curtain);
    return replayed(await deadLetterTurns.take(() => service.actions.replay({ queue, filter }, { by, expected, details: conditionsOf(fields) })), expected);
  },
  'discard-all': async ({ service, deadLetterTurns, curtain }, fields, by) => {
    const [queue, expected] = [confirmed(fields, 'queue'), counted(fields)];
    const filter = deadLetterFilter(fields, curtain);
    return discarded(await deadLetterTurns.take(() => service.actions.discard({ queue, filter }, { by, expected, details: conditionsOf(fields) })), expected);
  },
  'failure-retry': async ({ service, deadLetterTurns }, fields, by) => {
    const [group, expected] = [fields.required('group', 255), counted(fields)];
    return replayed(await deadLetterTurns.take(() => service.actions.replay({ group }, { ...who(fields, by), expected })), expected);
  },
  'failure-discard': async ({ service, deadLetterTurns }, fields, by) => {
    const [group, expected] = [fields.required('group', 255), counted(fields)];
    // By the name of the task: nobody types an id for what it says.
    confirmed(fields, 'name');
    return discarded(await deadLetterTurns.take(() => service.actions.discard({ group }, { ...who(fields, by), expected })), expected);
  },
  'failure-annotate': async ({ service }, fields, by) => {
    await service.actions.annotateFailures(fields.required('group', 255), fields.required('text', 2_000), { by });
    return { text: 'Noted, for all who look at these failures.' };
  },
  'failure-forget': async ({ service }, fields, by) => {
    const { matched } = await service.actions.forgetNote(fields.required('group', 255), { by });
    return { text: matched > 0 ? 'The note is gone.' : 'There was no note any more.' };
  },
};

function replayed({ done, failed }: ActionResult, expected: number): ActionAnswer {
  return { text: `Replayed ${done} of ${expected}.`, count: done, failed };
}

function discarded({ done }: ActionResult, expected: number): ActionAnswer {
  return { text: `Discarded ${done} of ${expected}.`, count: done };
}

/** Each as it was sent. */
function conditionsOf(fields: Fields): Readonly<Record<string, string | number>> {
  return Object.fromEntries(CONDITIONS.flatMap((name) => {
    const value = fields.raw(name);
    return (typeof value === 'string' && value !== '') || typeof value === 'number' ? [[name, value]] : [];
  }));
}

function gone(): Error {
  return notFound('This dead letter is not there any more: somebody has replayed or discarded it.');
}
