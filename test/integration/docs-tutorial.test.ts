import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asJavaScript } from '../support/docs/block-program.js';
import { codeBlocks } from '../support/docs/code-blocks.js';
import { freePorts } from '../support/free-ports.js';
import { startProcess, type Child } from '../support/processes.js';
import { removeFolder } from '../support/temporary-folder.js';
import { eventually } from '../support/wait.js';

/** What `nest new` has made, and the page does not change. */
const NEW = {
  'src/app.service.ts': "import { Injectable } from '@nestjs/common';\n@Injectable()\nexport class AppService { getHello(): string { return 'Hello World!'; } }\n",
  'src/main.ts': "import { NestFactory } from '@nestjs/core';\nimport { AppModule } from './app.module.js';\nconst app = await NestFactory.create(AppModule);\nawait app.listen(process.env.PORT ?? 3000, '127.0.0.1');\nconsole.log('It listens.');\n",
};

/** Inside the project: only there does the package find itself by its own name. */
const PARENT = join(process.cwd(), '.cache');
let folder: string;
let app: Child;
let url: string;

/** The application as it is at the end of the page: of each file what the page shows last. */
function writeApplication(): void {
  const blocks = codeBlocks('docs/tutorial.md', readFileSync('docs/tutorial.md', 'utf8')).filter(({ isPrelude }) => !isPrelude);
  const shown = Object.fromEntries(blocks.map(({ code }) => [/^\/\/ (\S+)\n/.exec(code)?.[1] ?? 'no file', code]));
  for (const [path, code] of Object.entries({ ...NEW, ...shown })) {
    const name = path.replace('src/', '').replace('.ts', '.mjs');
    writeFileSync(join(folder, name), asJavaScript({ code }).replace(/(from '\.\/.*)\.js'/g, "$1.mjs'"));
  }
}

beforeAll(async () => {
  mkdirSync(PARENT, { recursive: true });
  folder = mkdtempSync(join(PARENT, 'tutorial-'));
  writeApplication();
  const [port] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  app = startProcess(process.execPath, [join(folder, 'main.mjs')], { env: { PORT: String(port), NO_COLOR: '1' } });
  // Nest says that it has started before it listens.
  await app.line(/^It listens\.$/);
});

afterAll(async () => {
  app.signal('SIGTERM');
  await app.exited();
  removeFolder(folder);
});

const get = async (path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(url + path, { headers: { connection: 'close' } });
  return { status: response.status, text: await response.text() };
};

describe('the application of the tutorial', () => {
  it('welcomes at the third attempt, reminds later, and sums up by schedule', async () => {
    expect(await get('/sign-up/ada@example.org')).toEqual({ status: 200, text: expect.stringMatching(/^\{"uuid":"[0-9a-f-]{36}"\}$/) as string });
    await app.line(/Welcome, ada@example\.org! \(attempt 3\)/);
    await app.line(/ada@example\.org, you have not looked around yet\./);
    await app.line(/\d+ welcomes so far\./);
    const attempts = app.lines.all.filter((line) => line.includes('The mail server does not answer'));
    expect(attempts).toHaveLength(2);
  });

  it('shows what a task has returned', async () => {
    expect(await get('/preview/ada@example.org')).toEqual({ status: 200, text: 'Dear ada@example.org, welcome to the shop.' });
  });

  it('keeps what failed, and serves the dashboard', async () => {
    expect(await get('/preview/nobody')).toMatchObject({ status: 500 });
    // Nest writes errors where nobody waits for lines.
    await eventually(async () => app.stderr, (said) => said.includes('became a dead letter (failed): "nobody" is no address'), 'the dead letter in the log');
    expect((await get('/dispatcher/')).text).toContain('<title>Dispatcher</title>');
  });
});
