/** Those of the tests that need one of the changed files. */
export function testsThatNeed(graph: { reach(file: string): Set<string> }, tests: string[], changed: string[]): string[];
