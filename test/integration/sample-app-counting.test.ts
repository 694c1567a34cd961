import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Child } from '../support/processes.js';
import { removeSampleApp, startSampleApp, writeFiles } from '../support/sample-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { hasRedis, sharedRedisUrl } from '../support/shared-redis.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

let folder: string;
let prefix: string;
const apps: Child[] = [];

beforeEach(() => {
  folder = temporaryFolder('sample');
  prefix = uniqueName('sample');
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  removeFolder(folder);
});

function start(...parameters: Parameters<typeof startSampleApp>): Child {
  const app = startSampleApp(...parameters);
  apps.push(app);
  return app;
}

/** 60 files of `n` words, n from 1 to 60: 1,830 words. */
function writeManyFiles(): void {
  const files = Array.from({ length: 60 }, (_, n) => [`many/${n + 1}.md`, `${'word '.repeat(n + 1)}\n`]);
  writeFiles(folder, Object.fromEntries(files) as Record<string, string>);
}

/** The numbers of a row of the summary: `│ files │ 60 │` gives `['60']`. */
function row(app: Child, label: string): string[] | undefined {
  const cells = app.lines.all.map((line) => line.split('│').map((cell) => cell.trim()).slice(1, -1));
  return cells.find(([first]) => first === label)?.slice(1);
}

const WITH_REDIS = ['embedded', 'rabbitmq', ...hasRedis() ? ['redis'] : []];

describe.each(WITH_REDIS)('counting on %s', (kind) => {
  const broker = (): string => (kind === 'rabbitmq' ? sharedRabbitMqUrl() : kind === 'redis' ? sharedRedisUrl() : '');

  afterEach(async () => {
    if (kind === 'rabbitmq') await removeSampleApp(sharedRabbitMqUrl(), prefix);
  });

  it('prints a right summary, and with --once ends with 0', async () => {
    writeManyFiles();
    writeFiles(folder, {
      'most.txt': 'x '.repeat(5000), 'Makefile': 'all: it\n\tdo it\n', 'picture.png': Buffer.from([0x89, 0x50, 0, 0, 0, 7]),
      'node_modules/thing/index.js': 'not counted', '.git/HEAD': 'not counted',
    });
    const app = start([folder, '--once'], { broker: broker(), prefix });
    expect(await app.exited()).toEqual({ code: 0, signal: null });
    expect(row(app, 'files')).toEqual(['62']);
    expect(row(app, 'words')).toEqual([(1830 + 5000 + 4).toLocaleString('en-US')]);
    expect(row(app, 'lines')).toEqual(['62']);
    expect(row(app, 'binary files skipped')).toEqual(['1']);
    expect(row(app, 'not read')).toEqual(['0']);
    expect(row(app, '.md')).toEqual(['60', '1,830']);
    expect(row(app, '(none)')).toEqual(['1', '4']);
    const counted = ['counter-1', 'counter-2'].map((worker) => Number(row(app, worker)?.[0] ?? 0));
    expect(counted.reduce((sum, files) => sum + files)).toBe(62);
  });

  it('reports progress in lines where there is no terminal', async () => {
    writeManyFiles();
    const app = start([folder, '--once'], { broker: broker(), prefix });
    await app.exited();
    expect(app.stderr).toContain('counted: 60 of 60');
  });
});

describe('counting in two processes', () => {
  afterEach(() => removeSampleApp(sharedRabbitMqUrl(), prefix));

  it.each(WITH_REDIS)('over %s: the sender publishes, the worker counts and sums up once the last file is done', async (kind) => {
    writeManyFiles();
    const broker = kind === 'rabbitmq' ? sharedRabbitMqUrl() : kind === 'redis' ? sharedRedisUrl() : `embedded:${folder}/broker`;
    const options = { broker, prefix };
    const sender = start([`${folder}/many`, '--role=sender', '--once'], options);
    expect(await sender.exited()).toEqual({ code: 0, signal: null });
    expect(sender.lines.all.join('\n')).toContain('60 tasks are with the broker');
    const worker = start(['--role=worker'], options);
    const sum = await worker.line(/sum_up .*1830 words in 60 files\./);
    worker.signal('SIGTERM');
    expect(await worker.exited()).toEqual({ code: 0, signal: null });
    const byWorker = [...sum.matchAll(/counter-\d: (\d+) files/g)].reduce((files, [, count]) => files + Number(count), 0);
    expect(byWorker).toBe(60);
  });
});

describe('a file that goes away while it waits', () => {
  it('is a line of the summary, and a dead letter', async () => {
    writeFiles(folder, { 'one.txt': 'one word or two', 'gone.txt': 'x' });
    const broker = `embedded:${folder}/broker`;
    const sender = start([`${folder}/one.txt`, `${folder}/gone.txt`, '--role=sender', '--once'], { broker, prefix });
    await sender.exited();
    rmSync(`${folder}/gone.txt`);
    const worker = start(['--role=worker'], { broker, prefix });
    expect(await worker.line(/sum_up .*words in/)).toMatch(/4 words in 1 files\..*not read: 1/);
    expect(worker.lines.all.join('\n') + worker.stderr).toMatch(/count_words.*became a dead letter.*ENOENT/);
  });
});

describe('a folder with nothing in it', () => {
  it('is a summary of nothing', async () => {
    const app = start([folder, '--once']);
    expect(await app.exited()).toEqual({ code: 0, signal: null });
    expect(row(app, 'files')).toEqual(['0']);
  });

  it('is an error with advice where it does not exist', async () => {
    const app = start([`${folder}/missing`]);
    expect((await app.exited()).code).toBe(1);
    expect(app.stderr).toContain('npm start -- some/folder');
  });
});
