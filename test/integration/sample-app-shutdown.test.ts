import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Child, startProcess } from '../support/processes.js';
import { apiOf, postTask, removeSampleApp, startSampleApp, writeFiles } from '../support/sample-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

let folder: string;
let app: Child | undefined;

beforeEach(() => {
  folder = temporaryFolder('sample-shutdown');
  writeFiles(folder, { 'one.txt': 'one word or two' });
});

afterEach(async () => {
  await app?.stop();
  app = undefined;
  removeFolder(folder);
});

const SLOW = { name: 'slow', args: [{ type: 'int', value: 2 }] };

describe.each(['embedded', 'rabbitmq'])('a shutdown on %s', (kind) => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s lets a running task finish and ends with 0', async (signal) => {
    const prefix = uniqueName('sample-shutdown');
    const broker = kind === 'rabbitmq' ? sharedRabbitMqUrl() : '';
    app = startSampleApp([folder], { broker, prefix });
    const api = await apiOf(app);
    await app.line(/Ready for more/);
    expect((await postTask(api, SLOW)).status).toBe(202);
    await app.line(/works for 2 s/);
    app.signal(signal);
    // A terminal and npm may both send one.
    app.signal(signal);
    expect(await app.exited()).toEqual({ code: 0, signal: null });
    expect(app.lines.all.some((line) => line.includes('done after 2 s'))).toBe(true);
    if (kind === 'rabbitmq') await removeSampleApp(broker, prefix);
  });
});

describe('npm start', () => {
  it('hands arguments, signals and the exit code through', async () => {
    app = startProcess('npm', ['start', '--', folder], { env: { PORT: '0', DISPATCHER_AMQP_CON: '', NO_COLOR: '1' } });
    const api = await apiOf(app);
    await app.line(/Ready for more/);
    await postTask(api, SLOW);
    await app.line(/works for 2 s/);
    // To npm alone, as a supervisor would: a shell between the two would die of it and leave the app behind.
    app.signal('SIGTERM');
    expect(await app.exited()).toEqual({ code: 0, signal: null });
    expect(app.lines.all.some((line) => /│ words\s+│\s+4 │/.test(line))).toBe(true);
    expect(app.lines.all.some((line) => line.includes('done after 2 s'))).toBe(true);
  });

  it('hands a failure through', async () => {
    app = startProcess(process.execPath, ['scripts/start.mjs', '--role=boss'], { env: { DISPATCHER_AMQP_CON: '' } });
    expect((await app.exited()).code).toBe(1);
    expect(app.stderr).toContain('write both, sender or worker');
  });
});
