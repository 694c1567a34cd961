import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, Task, TaskFailedError, type ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { isRabbitMq } from '../support/nest-on-broker.js';
import { isMissing, ResultServers, type ResultServerName } from '../support/result-servers.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

/** The table "What a result may be" of docs/result-backends.md, row by row, on whatever can bring a result back. */

const MIB = 1024 * 1024;

class Point {
  constructor(readonly x: number, private readonly secret: string) {}
  toJSON(): object { return { x: this.x }; }
  tell(): string { return this.secret; }
}

class Plain {
  readonly own = 1;
  get inherited(): number { return 2; }
}

const circle: Record<string, unknown> = {};
circle.circle = circle;

/** Each: what the handler returns, and what the caller gets, or the error that it gets instead. */
const VALUES: Readonly<Record<string, { returned: () => unknown; gets?: unknown; problem?: RegExp }>> = {
  'a bigint': { returned: () => 2n ** 64n, gets: 2n ** 64n },
  'a negative bigint within': { returned: () => ({ rows: [-(2n ** 63n)] }), gets: { rows: [-(2n ** 63n)] } },
  'undefined': { returned: () => undefined, gets: undefined },
  'undefined within': { returned: () => ({ list: [undefined, 1], gone: undefined }), gets: { list: [undefined, 1] } },
  'null': { returned: () => null, gets: null },
  'numbers that JSON lacks': { returned: () => [Number.NaN, Infinity, -Infinity, -0], gets: [Number.NaN, Infinity, -Infinity, -0] },
  'a Date': { returned: () => new Date(0), gets: '1970-01-01T00:00:00.000Z' },
  'a class instance': { returned: () => new Plain(), gets: { own: 1 } },
  'a class instance with toJSON': { returned: () => new Point(3, 'secret'), gets: { x: 3 } },
  'functions and symbols within': { returned: () => ({ call: () => 1, list: [Symbol('s'), () => 1] }), gets: { list: [null, null] } },
  'text of any script': { returned: () => 'ü\u0000\u{1F600}', gets: 'ü\u0000\u{1F600}' },
  'a circular object': { returned: () => circle, problem: /contains itself/ },
  'a function': { returned: () => () => 1, problem: /a function cannot be a result/ },
  'a Map': { returned: () => new Map([[1, 2]]), problem: /a Map has no JSON form/ },
  'a Set': { returned: () => new Set([1]), problem: /a Set has no JSON form/ },
  'a toJSON that throws': { returned: () => ({ toJSON: () => { throw new Error('not me'); } }), problem: /not me/ },
  'what is nested too deeply': { returned: () => { let nested: unknown = 1; for (let depth = 0; depth < 100_000; depth++) nested = [nested]; return nested; }, problem: /nested too deeply/ },
};

@Injectable()
class Tasks {
  runs = 0;
  @Task('value') value(kind: string): unknown { this.runs++; return VALUES[kind]?.returned(); }
  @Task('text') text(bytes: number): string { this.runs++; return 'x'.repeat(bytes); }
}

interface Way {
  readonly title: string;
  readonly server?: ResultServerName;
  readonly config: () => Partial<ServerConfig>;
  /** The largest that it brings back, in MiB. Default: all that `maxResultBytes` lets pass. */
  readonly most?: number;
  /** Sizes to try, in MiB. */
  readonly sizes?: readonly number[];
}

const folder = (): string => {
  const path = temporaryFolder('values');
  closing.push(() => Promise.resolve(removeFolder(path)));
  return path;
};
const rabbit = (): Partial<ServerConfig> => ({ broker: sharedRabbitMqUrl() });
const WAYS: readonly Way[] = [
  { title: 'RabbitMQ, by replies', config: rabbit, sizes: [5] },
  { title: 'RabbitMQ, by the ledger', config: () => ({ ...rabbit(), resultBackend: sharedRabbitMqUrl() }), most: 1 },
  { title: 'RabbitMQ, by Redis', server: 'Redis', config: rabbit },
  { title: 'RabbitMQ, by MongoDB', server: 'MongoDB', config: rabbit, most: 15 },
  { title: 'RabbitMQ, by memcached', server: 'memcached', config: rabbit, most: 0.9 },
  { title: 'embedded:, by its own memory', config: () => ({ broker: 'embedded:' }) },
  { title: 'an embedded folder, by its own store', config: () => ({ broker: `embedded:${folder()}` }) },
  { title: 'embedded:, by a folder', config: () => ({ broker: 'embedded:', resultBackend: `embedded:${folder()}` }) },
];

const servers = new ResultServers();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });
afterAll(() => servers.stop());

async function start(config: Partial<ServerConfig>): Promise<{ service: DispatcherService; tasks: Tasks }> {
  const exchange = uniqueName('values');
  if (isRabbitMq(config)) closing.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      exchange, defaultRoutingKey: 'key', logger: new KeptLog(), results: 'all', maxResultBytes: 20 * MIB,
      workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'] }], ...config,
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  closing.push(() => app.close());
  return { service: app.get(DispatcherService), tasks: app.get(Tasks) };
}

describe.each(WAYS.filter(({ server }) => !isMissing(server)))('what a handler returns, on $title', ({ server, config, most = Infinity, sizes = [0.9, 5, 17] }) => {
  let url: string | undefined;
  beforeAll(async () => { url = server && await servers.url(server); });
  const dispatcher = (more: Partial<ServerConfig> = {}): ReturnType<typeof start> => start({ ...config(), ...(url === undefined ? {} : { resultBackend: url }), ...more });

  it('comes back as the table of the documentation says', async () => {
    const { service, tasks } = await dispatcher();
    for (const [kind, { gets, problem }] of Object.entries(VALUES)) {
      const sent = await service.publish('value', kind);
      if (problem === undefined) expect(await sent.result(), kind).toStrictEqual(gets);
      else await expect(sent.result(), kind).rejects.toThrow(problem);
      // What it returned cannot be kept: the task has succeeded all the same.
      expect((await service.task(sent.uuid).state())?.state, kind).toBe('succeeded');
    }
    expect(tasks.runs).toBe(Object.keys(VALUES).length);
  });

  it.each(sizes)('comes back with %d MiB, or with an error that says what to do', async (size) => {
    const { service, tasks } = await dispatcher();
    const bytes = Math.floor(size * MIB);
    const sent = await service.publish('text', bytes);
    if (size <= most) {
      expect(((await sent.result()) as string).length).toBe(bytes);
    } else {
      const failure: unknown = await sent.result().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TaskFailedError);
      expect(failure).toMatchObject({ fields: { state: 'succeeded' }, message: expect.stringMatching(/too large for the result backend at .* Store it elsewhere and keep its key/) });
      expect((await service.task(sent.uuid).state())?.outcome).toMatchObject({ kind: 'unstorable' });
    }
    expect(tasks.runs).toBe(1);
  });

  it('is an error beyond maxResultBytes', async () => {
    const { service } = await dispatcher({ maxResultBytes: 1_000 });
    expect(await (await service.publish('text', 900)).result()).toHaveLength(900);
    await expect((await service.publish('text', 1_000)).result()).rejects.toThrow(/1002 bytes, more than maxResultBytes \(1000\)/);
  });
});
