import type { DynamicModule, INestApplication, ModuleMetadata, NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DASHBOARD_ASSETS, DispatcherDashboardModule } from '../../lib/dashboard/dashboard.module.js';
import type { DashboardOptions } from '../../lib/dashboard/index.js';
import type { InspectionFace } from '../../lib/dashboard/inspection.js';
import { readAssets, type Assets } from '../../lib/dashboard/http/assets.js';
import type { Broker } from '../../lib/brokers/broker.js';
import { DispatcherModule, DispatcherService } from '../../lib/index.js';
import type { ServerConfig } from '../../lib/dispatcher/config/server-config.js';
import { BROKER_FACTORY } from '../../lib/nest/dispatcher.module.js';
import { KeptLog, testConfig } from './nest-app.js';
import { onTestFinished } from './test-end.js';

export type Platform = 'Express' | 'Fastify';
export const PLATFORMS: readonly Platform[] = ['Express', 'Fastify'];

/** The page as `npm run build` has made it. */
export const BUILT_PAGE = 'dist/lib/dashboard/ui';

/** Files in place of the built page, where only the server is tested. */
export const FEW_ASSETS: Assets = new Map([
  ['index.html', { type: 'text/html; charset=utf-8', body: Buffer.from('<!doctype html><title>page</title>') }],
  ['assets/index-1.js', { type: 'text/javascript; charset=utf-8', body: Buffer.from('1;') }],
]);

export interface DashboardSetup {
  readonly platform?: Platform;
  readonly dispatchers?: readonly DynamicModule[];
  /** Where given: what the dispatcher's own inspection would say. */
  readonly inspection?: InspectionFace;
  readonly assets?: Assets | 'built';
  readonly broker?: Broker;
  readonly config?: Partial<ServerConfig>;
  readonly metadata?: ModuleMetadata;
  readonly app?: NestApplicationOptions;
  readonly prepare?: (app: INestApplication) => void;
}

export interface DashboardApp {
  readonly app: INestApplication;
  readonly service: DispatcherService;
  readonly port: number;
  /** Of the machine, without the path. */
  readonly url: string;
  readonly log: KeptLog;
}

/** A Nest application that serves a dashboard; closed at the end of the test. */
export async function startDashboard(options: DashboardOptions, setup: DashboardSetup = {}): Promise<DashboardApp> {
  const { platform = 'Express', inspection, assets = FEW_ASSETS, broker, config = {}, metadata = {}, dispatchers } = setup;
  const log = new KeptLog();
  const own = dispatchers ?? [DispatcherModule.forRoot(testConfig({ broker: 'embedded:', ...config }, log))];
  const builder = Test.createTestingModule({ ...metadata, imports: [...own, ...metadata.imports ?? [], DispatcherDashboardModule.forRoot(options)] })
    .overrideProvider(DASHBOARD_ASSETS).useValue(assets === 'built' ? readAssets(BUILT_PAGE) : assets);
  if (broker !== undefined) builder.overrideProvider(BROKER_FACTORY).useValue(() => broker);
  const module = await builder.setLogger(log).compile();
  const service = dispatchers?.length === 0 ? undefined as never : module.get(DispatcherService, { strict: false });
  if (inspection !== undefined) Object.defineProperty(service, 'inspect', { get: () => inspection });
  const app = module.createNestApplication(platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter(), { forceCloseConnections: true, ...setup.app });
  onTestFinished(() => app.close());
  setup.prepare?.(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return { app, service, port, url: `http://127.0.0.1:${port}`, log };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** By Node's own client, which sends whatever headers a test wants. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        .on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject).end(body);
  });
}

/** As the page itself asks for something to be done. */
export function askToAct(port: number, action: string, fields: unknown, headers: Readonly<Record<string, string>> = {}, path = '/dispatcher'): Promise<Answer> {
  return ask(port, `${path}/api/default/actions/${action}`, {
    method: 'POST', body: JSON.stringify(fields), headers: { 'content-type': 'application/json', 'x-dispatcher-dashboard': '1', 'sec-fetch-site': 'same-origin', ...headers },
  });
}

export interface OpenStream {
  /** All that was sent, once this is among it. */
  until(text: string): Promise<string>;
  /** When the server has ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** The updates that an open page gets; closed at the end of the test. */
export function openStream(port: number, topics: string, path = '/dispatcher/api/default/stream'): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: `${path}?topics=${topics}`, agent: false }, (response) => {
      let sent = '';
      const waiting = new Set<() => void>();
      const ended = new Promise<void>((end) => response.on('end', end).on('close', end));
      response.setEncoding('utf8').on('error', () => undefined).on('data', (chunk: string) => {
        sent += chunk;
        for (const look of waiting) look();
      });
      const until = (text: string): Promise<string> => new Promise((found) => {
        const look = (): void => {
          if (!sent.includes(text)) return;
          waiting.delete(look);
          found(sent);
        };
        waiting.add(look);
        look();
      });
      resolve({ until, ended, close: () => request.destroy() });
    });
    onTestFinished(() => void request.destroy());
    request.on('error', reject).end();
  });
}
