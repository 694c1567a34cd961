import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { Task } from '../../../lib/index.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';
import { startTested } from './tested-app.js';

const Order = z.object({ id: z.int() });
const NarrowOrder = z.object({ id: z.int().max(100), at: z.string() });
const WiderOrder = z.object({ id: z.int(), note: z.string().optional() });

@Injectable()
class Orders { @Task('ship', { schema: Order }) ship(_order: z.infer<typeof Order>): void { /* nothing */ } }
@Injectable()
class NarrowOrders { @Task('ship', { schema: NarrowOrder }) ship(_order: z.infer<typeof NarrowOrder>): void { /* nothing */ } }
@Injectable()
class WiderOrders { @Task('ship', { schema: WiderOrder }) ship(_order: z.infer<typeof WiderOrder>): void { /* nothing */ } }

async function testingOf(provider: new () => object) {
  return (await startTested({}, {}, [provider])).testing;
}

describe.each(['contract.json', 'contract.yaml'])('a recorded contract in %s', (name) => {
  const file = (): string => {
    vi.stubEnv('CI', '');
    vi.stubEnv('DISPATCHER_UPDATE_CONTRACT', '');
    const folder = temporaryFolder('contract');
    onTestFinished(() => { vi.unstubAllEnvs(); removeFolder(folder); });
    return join(folder, name);
  };

  it('is written once, and compared from then on', async () => {
    const path = file();
    expect((await testingOf(Orders)).recordContract(path)).toBe('written');
    expect((await testingOf(Orders)).recordContract(path)).toBe('unchanged');
    expect((await testingOf(WiderOrders)).recordContract(path, { readOnly: true })).toBe('differs');
    expect((await testingOf(WiderOrders)).recordContract(path)).toBe('replaced');
    expect((await testingOf(WiderOrders)).recordContract(path, { failOn: ['queued', 'publishers', 'results'] })).toBe('unchanged');
  });

  it('fails for what breaks tasks that wait, and leaves the record', async () => {
    const path = file();
    (await testingOf(Orders)).recordContract(path);
    const before = readFileSync(path, 'utf8');
    const narrow = await testingOf(NarrowOrders);
    const refused = (): unknown => narrow.recordContract(path);
    expect(refused).toThrow(expect.objectContaining({ code: 'ERR_DISPATCHER_TEST_CONTRACT', message: expect.stringMatching(/ship: argument 0[^]*breaks publishers, queued[^]*upgrade: \{ 1:/) as string }) as Error);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(narrow.recordContract(path, { update: true })).toBe('replaced');
    expect(refused()).toBe('unchanged');
  });

  it('is asked for where nothing may be written', async () => {
    const path = file();
    const testing = await testingOf(Orders);
    vi.stubEnv('CI', 'true');
    expect(() => testing.recordContract(path)).toThrow(/no record of the contract[^]*commit the file/);
    writeFileSync(path, 'no contract');
    expect(() => testing.recordContract(path)).toThrow(/contract/);
    expect(() => testing.recordContract(path, { failOn: ['everybody' as 'queued'] })).toThrow(/failOn/);
    expect(() => testing.recordContract(path, { dispatcher: 'other' })).toThrow(/There is no dispatcher "other" under test; there is "default"/);
  });
});
