import { ConfigurationError } from '../../errors.js';
import { type DebounceOptions, type EdgeKind, edgeProblem, type ThrottleOptions } from '../../task/edge-options.js';
import { type OrderOptions, orderProblem } from '../../task/order-options.js';
import type { UniqueOptions } from '../../task/unique-options.js';

/** @throws ConfigurationError for a window that cannot be */
export function checkEdge<Options extends DebounceOptions | ThrottleOptions>(kind: EdgeKind): (options: Options | undefined, where: string) => Options | undefined {
  return (options, where) => {
    const problem = options === undefined ? undefined : edgeProblem(kind, options);
    if (problem !== undefined) throw new ConfigurationError(`${where}: ${problem}.`, { option: kind });
    return options;
  };
}

/** @throws ConfigurationError for a line that cannot be */
export function checkOrder(options: OrderOptions | undefined, where: string): OrderOptions | undefined {
  const problem = options === undefined ? undefined : orderProblem(options);
  if (problem !== undefined) throw new ConfigurationError(`${where}: ${problem}.`, { option: 'order' });
  return options;
}

interface Beside {
  readonly debounce?: DebounceOptions;
  readonly throttle?: ThrottleOptions;
  readonly unique?: UniqueOptions;
  readonly order?: OrderOptions;
}

/** @throws ConfigurationError where each of two says which of its tasks run */
export function checkBesideEdges({ debounce, throttle, unique, order }: Beside, where: string): void {
  if (order !== undefined && (debounce ?? throttle) !== undefined) throw new ConfigurationError(`${where} has order and ${debounce === undefined ? 'throttle' : 'debounce'}: each says when its tasks run. Leave one of them.`, { option: 'order' });
  const given = Object.entries({ debounce, throttle, unique }).filter(([, options]) => options !== undefined).map(([name]) => name);
  if (given.length < 2) return;
  throw new ConfigurationError(`${where} has ${given.join(' and ')}: each says which of its tasks are taken. Leave one of them.`, { option: given[0] });
}
