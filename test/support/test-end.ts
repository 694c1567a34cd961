import { AsyncLocalStorage } from 'node:async_hooks';
import { aroundEach, onTestFinished as ofTheOnlyTest, type TestContext } from 'vitest';

type OnTestFinished = TestContext['onTestFinished'];

const current = new AsyncLocalStorage<OnTestFinished>();

/** Called by the setup file of the projects whose tests may run side by side (`describe.concurrent`). */
export function followEachTest(): void {
  aroundEach((runTest, { onTestFinished }) => current.run(onTestFinished, runTest));
}

/**
 * What is done when the test has ended, last things first. Vitest's own function knows one current test, and takes another's
 * for it where several run side by side; this one is that of the test which has called it, however deep.
 */
export const onTestFinished: OnTestFinished = (handler, timeout) => (current.getStore() ?? ofTheOnlyTest)(handler, timeout);

/** What each test makes anew when it first asks, and all of the test share. */
export function eachTests<T>(make: () => T): () => T {
  const made = new WeakMap<OnTestFinished, { readonly of: T }>();
  return () => {
    const test = current.getStore() ?? ofTheOnlyTest;
    const known = made.get(test) ?? { of: make() };
    made.set(test, known);
    return known.of;
  };
}
