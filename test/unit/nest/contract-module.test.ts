import { Controller, Get, Injectable, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { AddressInfo, Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DispatcherContractModule, DispatcherModule, readContract, Task, type DispatcherContractOptions } from '../../../lib/index.js';
import { KeptLog } from '../../support/nest-app.js';

@Injectable()
class MailTasks {
  @Task('mail.send')
  send(_to: string): void { return; }
}

@Controller()
class Other {
  @Get('asyncapi')
  get(): string { return 'the page of the application'; }
}

async function served(options: DispatcherContractOptions | undefined, platform: 'express' | 'fastify' = 'express', prefix?: string): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({ broker: 'embedded:', exchange: 'shop', defaultRoutingKey: 'key', workers: [], logger: new KeptLog() }), DispatcherContractModule.forRoot(options)], providers: [MailTasks], controllers: [Other],
  }).setLogger(new KeptLog()).compile();
  const app: INestApplication = platform === 'express' ? module.createNestApplication() : module.createNestApplication(new FastifyAdapter());
  if (prefix !== undefined) app.setGlobalPrefix(prefix);
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

describe.each(['express', 'fastify'] as const)('the contract on %s', (platform) => {
  it('is served as JSON and YAML, and to whoever has it already as a word', async () => {
    const get = await served({ title: 'Mails', version: '2.0.0' }, platform);
    const json = await get('/asyncapi.json?x=1');
    expect([json.status, json.headers.get('content-type')]).toEqual([200, 'application/vnd.aai.asyncapi+json;version=3.0.0']);
    const text = await json.text();
    expect(readContract(text)).toMatchObject({ title: 'Mails', version: '2.0.0', tasks: [{ name: 'mail.send' }] });
    const yaml = await get('/asyncapi.yaml');
    expect(readContract(await yaml.text())).toEqual(readContract(text));
    const etag = json.headers.get('etag') as string;
    const again = await get('/asyncapi.json', { headers: { 'if-none-match': `"x", W/${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await get('/asyncapi.json', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(Buffer.byteLength(text)), '']);
    expect((await get('/asyncapi.json', { method: 'POST' })).status).toBe(405);
    expect(await (await get('/asyncapi')).text()).toBe('the page of the application');
    expect((await get('/asyncapi.txt')).status).toBe(404);
  });

  it('stands behind the global prefix, at a path of its own, for whom it is', async () => {
    const get = await served({ path: '/docs/tasks', allow: ({ headers }) => Promise.resolve(headers['x-key'] === 'open') }, platform, 'api');
    expect((await get('/api/docs/tasks.yaml')).status).toBe(403);
    expect((await get('/api/docs/tasks.yaml', { headers: { 'x-key': 'open' } })).status).toBe(200);
    expect((await get('/api/asyncapi.yaml')).status).toBe(404);
  });

  it('of which nobody can say who may read it is told to nobody', async () => {
    const get = await served({ allow: () => { throw new Error('the users are away'); } }, platform);
    const answer = await get('/asyncapi.json');
    expect([answer.status, await answer.text()]).toEqual([500, 'The contract cannot be told; the log says why.\n']);
  });
});

it('refuses options that cannot be', () => {
  expect(() => DispatcherContractModule.forRoot({ path: 'asyncapi' })).toThrow(/path of DispatcherContractModule\.forRoot must be a path/);
  expect(() => DispatcherContractModule.forRoot({ path: '/a/../b' })).toThrow(/must be a path/);
  expect(() => DispatcherContractModule.forRoot({ route: '/x' } as object)).toThrow(/no option "route"/);
  expect(() => DispatcherContractModule.forRoot({ allow: true } as object)).toThrow(/allow .* must be a function/);
});
