import { isTaken, SIGNAL_TEXTS } from '../../task/signal-outcome.js';
import { RefusedError } from '../failures.js';
import { BY, REASON, whoAndWhy } from '../options.js';
import { fromJson } from '../output/json.js';
import { textArgument, type Verb, type VerbCall } from '../verb.js';

export const signal: Verb = {
  name: 'signal',
  summary: 'tell a task what it waits for, by context.waitFor',
  notes: ['It is recorded first, so that it may come before the task waits for it. The value is JSON where it can be read as such, else text.'],
  arguments: [{ name: '<uuid>', about: 'of the task' }, { name: '<signal>', about: 'the name that it waits for' }, { name: '[value]', about: 'what it is told' }],
  options: [BY, REASON],
  examples: [['signal 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11 approved true', 'the task goes on, with true']],
  run: async ({ open }, call) => {
    const [uuid, name] = [textArgument(call, 0), textArgument(call, 1)];
    const { parts: { signals } } = await open();
    const outcome = await signals.send(uuid, name, valueOf(call), whoAndWhy(call));
    if (!isTaken(outcome)) throw new RefusedError(SIGNAL_TEXTS[outcome], { uuid, signal: name, outcome });
    return { data: { uuid, signal: name, outcome }, text: SIGNAL_TEXTS[outcome] };
  },
};

function valueOf({ args: [, , text] }: VerbCall): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return fromJson(text);
  } catch {
    return text;
  }
}
