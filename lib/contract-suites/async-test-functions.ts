/** Those of vitest or jest, for tests that wait. @publicApi */
export interface AsyncTestFunctions {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly expect: (value: unknown) => { toBe(expected: unknown): unknown; toEqual(expected: unknown): unknown };
}
