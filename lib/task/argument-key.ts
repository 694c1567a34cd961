import { display } from './argument-types.js';
import { answersAtOnce } from './option-kinds.js';

/**
 * Where in the arguments of a task a key stands: `account`, a property of the first argument; `account.id`, one of that;
 * `1` or `1.id`, the second argument or a property of it. Or a function of the arguments. `undefined`: no key.
 *
 * @publicApi
 */
export type ArgumentKey = string | ((args: readonly unknown[]) => string | number | bigint | boolean | undefined);

/** What is wrong with it, as what follows the name of the option; or `undefined`. */
export function argumentKeyProblem(key: unknown): string | undefined {
  const isPath = typeof key === 'string' && key.split('.').every((part) => part !== '');
  if (isPath || answersAtOnce.fits(key)) return undefined;
  return `must be the place of an argument, such as 'account' (of the first one), '1' or '1.id', or a function that answers at once, such as ([order]) => order.account; found ${display(key)}`;
}
