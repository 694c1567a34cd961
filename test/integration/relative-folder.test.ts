import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startScript, type Child } from '../support/processes.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

/** Broker, results and shared state were opened at different times, each relative to the working folder of that time. */
describe('an application on a relative embedded folder that changes its working folder', () => {
  let folder = '';
  const children: Child[] = [];
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    removeFolder(folder);
  });

  it.each([[undefined], ['embedded:./data'], ['embedded:./other']])('keeps everything where it was configured, with the result backend %s', async (resultBackend) => {
    folder = temporaryFolder('relative');
    const [start, elsewhere] = [join(folder, 'start'), join(folder, 'elsewhere')];
    for (const each of [start, elsewhere]) mkdirSync(each);
    const child = startScript('test/support/scripts/relative-folder.ts', { args: [elsewhere, ...resultBackend === undefined ? [] : [resultBackend]], cwd: start });
    children.push(child);
    await child.line(/^result 2$/, 60_000);
    await child.line(/^thread \d+$/, 60_000);
    await child.line(/^closed$/, 60_000);
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(existsSync(join(start, 'data', 'data.mdb'))).toBe(true);
    expect(existsSync(join(start, resultBackend === 'embedded:./other' ? 'other' : 'data', 'results', 'data.mdb'))).toBe(true);
    expect(readdirSync(start).sort()).toEqual(resultBackend === 'embedded:./other' ? ['data', 'other'] : ['data']);
  });
});
