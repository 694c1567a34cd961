import { afterEach, describe, expect, it } from 'vitest';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../lib/state/state-backend.js';
import { firstOf, itemAt, type Tuple } from '../support/present.js';
import { startScript, type Child } from '../support/processes.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals } from '../support/wait.js';

describe('a folder of results that several processes share', () => {
  const folders: string[] = [];
  const children: Child[] = [];
  const backends: StateBackend[] = [];
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await Promise.all(backends.splice(0).map((backend) => backend.close(5_000)));
    for (const folder of folders.splice(0)) removeFolder(folder);
  });

  async function openFolder(): Promise<{ folder: string; backend: StateBackend }> {
    const folder = temporaryFolder('shared-results');
    folders.push(folder);
    return { folder, backend: await open(folder) };
  }

  async function open(folder: string): Promise<StateBackend> {
    const backend = createResultBackend(`embedded:${folder}`);
    backends.push(backend);
    await backend.connect();
    return backend;
  }

  async function startProcesses<Count extends number>(folder: string, count: Count): Promise<Tuple<Child, Count>> {
    const started = Array.from({ length: count }, () => startScript('test/support/scripts/result-folder.ts', { args: [folder] }));
    children.push(...started);
    await Promise.all(started.map((child) => child.line(/^ready$/)));
    return firstOf(started, count);
  }

  it('tells each process what another one has written', async () => {
    const { folder, backend } = await openFolder();
    const [child] = await startProcesses(folder, 1);
    const seen = new Arrivals<string>();
    const stop = backend.watch('k', (value) => seen.add(value.toString()));
    child.send('set k');
    await seen.first((value) => value === String(child.pid), 'what the other process wrote');
    stop();
  });

  it('gives each lock to one process', async () => {
    const { folder } = await openFolder();
    const processes = await startProcesses(folder, 4);
    for (let round = 0; round < 20; round++) {
      for (const child of processes) child.send(`claim lock-${round}`);
    }
    await Promise.all(processes.map((child) => child.line(/^claim lock-19 /)));
    const won = processes.flatMap((child) => child.lines.all.filter((line) => /^claim .* true$/.test(line)).map((line) => line.split(' ')[1]));
    expect(won.sort()).toEqual(Array.from({ length: 20 }, (_, round) => `lock-${round}`).sort());
  });

  it('keeps everything that a process was told is kept, when all are killed while they write', async () => {
    const { folder, backend } = await openFolder();
    const kept: string[] = [];
    for (let round = 0; round < 3; round++) {
      const processes = await startProcesses(folder, 2);
      processes.forEach((child, index) => child.send(`flood p${round}${index}`));
      await Promise.all(processes.map((child) => child.lines.count(50)));
      for (const child of processes) child.kill('SIGKILL');
      for (const child of processes) {
        await child.exited();
        kept.push(...child.lines.all.filter((line) => line.startsWith('kept ')).map((line) => line.slice('kept '.length)));
      }
    }
    const members = new Set<string>();
    for await (const page of backend.members('flood')) for (const { member } of page) members.add(member);
    const lost: string[] = [];
    for (const id of kept) if ((await backend.get(id))?.toString() !== id || !members.has(id)) lost.push(id);
    expect(kept.length).toBeGreaterThan(150);
    expect(lost).toEqual([]);
    const { count } = await backend.addMember('flood', itemAt(kept, 0), Buffer.from('again'), { expiresInMs: 60_000 });
    expect(count).toBe(members.size);
  });
});
