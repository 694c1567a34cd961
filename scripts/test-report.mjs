import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const NOT_RUN = new Set(['skipped', 'pending', 'todo', 'disabled']);

/**
 * Reads vitest's JSON report. A file that failed outside of its tests (it does not load, a hook
 * failed, the leak guard found something) counts as one failure, or it would be in no count at all.
 *
 * @returns {{ passed: number, skipped: string[], failures: string[], retried: string[], durations: Record<string, number> }}
 *   `retried` passed at the second try; `durations` of the files, in seconds
 */
export function readReport(file, root) {
  const report = readJson(file);
  if (report === undefined) return { passed: 0, skipped: [], failures: ['the tests: vitest ended without a report, its own words are above'], retried: [], durations: {} };
  const failures = [];
  const retried = [];
  const skipped = [];
  const durations = {};
  for (const result of report.testResults) {
    const name = relative(root, result.name);
    durations[name] = (result.endTime - result.startTime) / 1_000;
    const failed = result.assertionResults.filter(({ status }) => status === 'failed');
    failures.push(...failed.map(({ fullName }) => `${name}: ${fullName}`));
    skipped.push(...result.assertionResults.filter(({ status }) => NOT_RUN.has(status)).map(({ fullName }) => `${name}: ${fullName}`));
    // The errors of the first try stay with a test that passed at the second.
    retried.push(...result.assertionResults.filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0).map(({ fullName }) => `${name}: ${fullName}`));
    if (result.status === 'failed' && failed.length === 0) failures.push(`${name}: ${firstLine(result.message)}`);
  }
  return { passed: report.numPassedTests, skipped, failures, retried, durations };
}

function firstLine(text) {
  return (text || 'failed outside of its tests; its own words are above').split('\n')[0];
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
