import { existsSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { startScript, type Child } from '../support/processes.js';
import { SmallDisk } from '../support/small-disk.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

const SCRIPT = 'test/support/scripts/embedded-folder.ts';
const FULL = { broker: 'ERR_DISPATCHER_BROKER_UNAVAILABLE', results: 'ERR_DISPATCHER_RESULT_BACKEND_FULL' };
const AWAY = { broker: 'ERR_DISPATCHER_BROKER_UNAVAILABLE', results: 'ERR_DISPATCHER_RESULT_BACKEND_UNAVAILABLE' };

describe.each(['broker', 'results'] as const)('a process with an embedded folder for its %s', (kind) => {
  const children: Child[] = [];
  const cleanUps: (() => void)[] = [];
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  });

  function newFolder(): string {
    const folder = temporaryFolder('trouble');
    cleanUps.push(() => removeFolder(folder));
    return join(folder, 'data');
  }

  function smallDisk(context: TestContext): SmallDisk {
    const disk = SmallDisk.mount(4, context);
    cleanUps.push(() => disk.remove());
    return disk;
  }

  function start(folder: string): Child {
    const child = startScript(SCRIPT, { args: [kind, folder] });
    children.push(child);
    return child;
  }

  let asked = 0;
  async function ask(child: Child, command: string): Promise<string> {
    const name = `#${++asked}`;
    child.send(`${name} ${command}`);
    const line = await child.line(new RegExp(`^${name} `));
    return line.slice(name.length + 1);
  }

  const dataFile = (folder: string): string => join(folder, kind === 'results' ? 'results' : '', 'data.mdb');

  it('lives on when the disk is full, says so, and goes on by itself when there is room again', async (context) => {
    const disk = smallDisk(context);
    const folder = join(disk.folder, 'data');
    const child = start(folder);
    await child.line(/^connect ok/);
    expect(await ask(child, 'write before 1000')).toMatch(/^ok/);
    disk.fill();
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(child, `write k${index} 20000`)));
    expect(outcomes.filter((outcome) => !outcome.startsWith(`failed ${FULL[kind]}`))).toEqual([]);
    expect(outcomes[0]).toMatch(/is full .*free some space/);
    await child.line(/^status blocked .*is full/);
    expect(await ask(child, 'lock l')).toMatch(/^failed/);
    expect(await ask(child, 'read before')).toMatch(kind === 'results' ? /^ok 1000/ : /^ok 1/);
    disk.clear();
    await child.lines.first((line) => line.startsWith('status ready') && child.lines.all.indexOf(line) < child.lines.all.lastIndexOf(line), 'to be ready again');
    expect(await ask(child, 'write after 20000')).toMatch(/^ok/);
    expect(await ask(child, 'lock l')).toMatch(/^ok/);
    expect(await ask(child, 'read after')).toMatch(kind === 'results' ? /^ok 20000/ : /^ok 2/);
  });

  it('is told when it begins on a full disk, and can begin later', async (context) => {
    const disk = smallDisk(context);
    disk.fill();
    const child = start(join(disk.folder, 'data'));
    await child.line(/^connect failed .*(full|no space)/);
    disk.clear();
    expect(await ask(child, 'connect')).toMatch(/^ok/);
    expect(await ask(child, 'write k 10')).toMatch(/^ok/);
  });

  it('lives on when a second process comes to a full disk', async (context) => {
    const disk = smallDisk(context);
    const folder = join(disk.folder, 'data');
    const first = start(folder);
    await first.line(/^connect ok/);
    disk.fill();
    const second = start(folder);
    await second.line(/^connect (ok|failed .*full)/);
    disk.clear();
    expect(await ask(first, 'write k 10')).toMatch(/^ok|^failed .*full/);
    expect(await ask(second, 'connect')).toMatch(/^ok/);
    expect(await ask(second, 'write k 10')).toMatch(/^ok/);
  });

  it('is refused a folder that is read-only, with what to do', async (context) => {
    const disk = smallDisk(context);
    disk.makeReadOnly();
    const child = start(join(disk.folder, 'data'));
    await child.line(/^connect failed ERR_DISPATCHER_CONFIGURATION .*may not write .*right to read and write/);
  });

  it('accepts nothing more once its folder is deleted, and says so though nobody writes', async () => {
    const folder = newFolder();
    const child = start(folder);
    await child.line(/^connect ok/);
    expect(await ask(child, 'write before 1000')).toMatch(/^ok/);
    rmSync(folder, { recursive: true });
    await child.line(/^status (blocked|lost) .*was deleted, moved or replaced/);
    expect(await ask(child, 'write after 10')).toMatch(new RegExp(`^failed ${AWAY[kind]}`));
    expect(existsSync(folder)).toBe(false);
  });

  it('accepts nothing between the deletion of its folder and its noticing', async () => {
    const folder = newFolder();
    const child = start(folder);
    await child.line(/^connect ok/);
    rmSync(folder, { recursive: true });
    expect(await ask(child, 'write after 10')).toMatch(new RegExp(`^failed ${AWAY[kind]}`));
  });

  it('goes on when its folder is put back', async () => {
    const folder = newFolder();
    const child = start(folder);
    await child.line(/^connect ok/);
    expect(await ask(child, 'write before 1000')).toMatch(/^ok/);
    renameSync(folder, `${folder}.away`);
    await child.line(/^status (blocked|lost) /);
    renameSync(`${folder}.away`, folder);
    await child.lines.first(() => child.lines.all.filter((line) => line.startsWith('status ready')).length > 1, 'to be ready again');
    expect(await ask(child, 'write after 10')).toMatch(/^ok/);
    expect(await ask(child, 'read before')).toMatch(kind === 'results' ? /^ok 1000/ : /^ok 2/);
  });

  it('refuses a data file that is cut off, before it would end the process', async () => {
    const folder = newFolder();
    const first = start(folder);
    await first.line(/^connect ok/);
    for (let index = 0; index < 20; index++) expect(await ask(first, `write k${index} 100000`)).toMatch(/^ok/);
    await first.stop();
    truncateSync(dataFile(folder), Math.floor(statSync(dataFile(folder)).size / 8192) * 4096);
    const second = start(folder);
    await second.line(/^connect failed ERR_DISPATCHER_CONFIGURATION .*is cut off/);
  });

  it('says so when its data file is cut off while it runs', async () => {
    const folder = newFolder();
    const child = start(folder);
    await child.line(/^connect ok/);
    for (let index = 0; index < 20; index++) expect(await ask(child, `write k${index} 100000`)).toMatch(/^ok/);
    truncateSync(dataFile(folder), Math.floor(statSync(dataFile(folder)).size / 8192) * 4096);
    expect(await ask(child, 'write k 10')).toMatch(/^failed ERR_DISPATCHER_CONFIGURATION .*is cut off/);
    expect(await ask(child, 'read k19')).toMatch(/^failed ERR_DISPATCHER_CONFIGURATION .*is cut off/);
    await child.line(/^status blocked .*is cut off/);
  });

  it.each([
    ['garbage', Buffer.alloc(100_000, 7), /is not a data file/],
    ['a few bytes', Buffer.from('hello'), /is not a data file/],
  ])('refuses %s in the place of its data file', async (_, content, text) => {
    const folder = newFolder();
    const first = start(folder);
    await first.line(/^connect ok/);
    await first.stop();
    writeFileSync(dataFile(folder), content);
    const second = start(folder);
    expect(await second.line(/^connect failed ERR_DISPATCHER_CONFIGURATION/)).toMatch(text);
  });
});
