/**
 * Who may read a queue. `dispatcher`: workers of this library. `gofort-strict`: workers of gofort/dispatcher too; what would
 * end or mislead one is refused before it gets there.
 *
 * @publicApi
 */
export type WireOption = 'dispatcher' | 'gofort-strict';

/** Of two that are said of one queue. */
export function stricter(one: WireOption | undefined, other: WireOption | undefined): WireOption | undefined {
  return one === 'gofort-strict' ? one : other ?? one;
}

export const WIRES: readonly WireOption[] = ['dispatcher', 'gofort-strict'];
