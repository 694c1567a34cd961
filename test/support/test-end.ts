import { AsyncLocalStorage } from 'node:async_hooks';
import { aroundEach, onTestFinished as ofTheOnlyTest, type TestContext } from 'vitest';

type OnTestFinished = TestContext['onTestFinished'];

/** One try of one test: a second try is another. */
interface Try { readonly onTestFinished: OnTestFinished }

const current = new AsyncLocalStorage<Try>();

/** Called by the setup file of the projects whose tests may run side by side (`describe.concurrent`). */
export function followEachTest(): void {
  aroundEach((runTest, { onTestFinished }) => current.run({ onTestFinished }, runTest));
}

/**
 * What is done when the test has ended, last things first. Vitest's own function knows one current test, and takes another's
 * for it where several run side by side; this one is that of the test which has called it, however deep.
 */
export const onTestFinished: OnTestFinished = (handler, timeout) => (current.getStore()?.onTestFinished ?? ofTheOnlyTest)(handler, timeout);

/** What each test makes anew when it first asks, and all of the test share. In projects with {@link followEachTest}. */
export function eachTests<T>(make: () => T): () => T {
  const made = new WeakMap<Try, { readonly of: T }>();
  return () => {
    const test = current.getStore();
    if (test === undefined) throw new Error('This is asked for outside of a test, or in a project whose setup file does not follow its tests.');
    const known = made.get(test) ?? { of: make() };
    made.set(test, known);
    return known.of;
  };
}
