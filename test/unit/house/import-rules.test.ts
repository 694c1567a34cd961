import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(__dirname, '..', '..', '..');

interface Room {
  /** The file of the room that the imports are planted in. */
  readonly file: string;
  /** Files that it must not import. */
  readonly refused: readonly string[];
  /** One that it may, so that a rule which refuses everything is noticed. */
  readonly allowed?: string;
}

/** Every room of `lib/`, and what somebody might be tempted to import there. */
const ROOMS: readonly Room[] = [
  { file: 'lib/errors.ts', refused: ['lib/task/task.ts', 'lib/time/timer.ts'] },
  { file: 'lib/error-codes.ts', refused: ['lib/errors.ts'] },
  { file: 'lib/time/timer.ts', refused: ['lib/task/task.ts', 'lib/worker/worker.ts'], allowed: 'lib/errors.ts' },
  { file: 'lib/urls/url.ts', refused: ['lib/task/task.ts', 'lib/amqp/open.ts'], allowed: 'lib/errors.ts' },
  { file: 'lib/amqp/open.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/lmdb/folder.ts'], allowed: 'lib/urls/url.ts' },
  { file: 'lib/lmdb/folder.ts', refused: ['lib/brokers/embedded/broker.ts', 'lib/amqp/open.ts'], allowed: 'lib/errors.ts' },
  { file: 'lib/redis/client.ts', refused: ['lib/state/redis/store.ts', 'lib/brokers/broker.ts', 'lib/amqp/open.ts'], allowed: 'lib/urls/url.ts' },
  { file: 'lib/task/task.ts', refused: ['lib/formats/format.ts', 'lib/time/timer.ts', 'lib/brokers/broker.ts'], allowed: 'lib/errors.ts' },
  { file: 'lib/contract/model.ts', refused: ['lib/dispatcher/parts.ts', 'lib/worker/worker.ts', 'lib/formats/format.ts'], allowed: 'lib/task/task.ts' },
  { file: 'lib/formats/format.ts', refused: ['lib/worker/worker.ts', 'lib/state/state-backend.ts'], allowed: 'lib/task/task.ts' },
  { file: 'lib/bodies/bodies.ts', refused: ['lib/formats/format.ts', 'lib/worker/worker.ts', 'lib/time/timer.ts'], allowed: 'lib/task/task.ts' },
  { file: 'lib/claims/claims.ts', refused: ['lib/bodies/bodies.ts', 'lib/worker/worker.ts'], allowed: 'lib/task/task.ts' },
  { file: 'lib/events/event.ts', refused: ['lib/worker/worker.ts', 'lib/dispatcher/parts.ts'], allowed: 'lib/task/task.ts' },
  { file: 'lib/brokers/broker.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/state/state-backend.ts'], allowed: 'lib/task/task.ts' },
  { file: 'lib/brokers/connection/link.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/amqp/open.ts', 'lib/brokers/store/consumption.ts'], allowed: 'lib/time/timer.ts' },
  { file: 'lib/brokers/store/consumption.ts', refused: ['lib/brokers/embedded/broker.ts', 'lib/lmdb/folder.ts', 'lib/brokers/connection/link.ts'], allowed: 'lib/brokers/broker.ts' },
  { file: 'lib/brokers/amqp/broker.ts', refused: ['lib/brokers/embedded/broker.ts', 'lib/state/state-backend.ts', 'lib/lmdb/folder.ts', 'lib/worker/worker.ts'], allowed: 'lib/amqp/open.ts' },
  { file: 'lib/brokers/embedded/broker.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/amqp/open.ts', 'lib/state/embedded/store.ts'], allowed: 'lib/lmdb/folder.ts' },
  { file: 'lib/brokers/redis/broker.ts', refused: ['lib/brokers/embedded/broker.ts', 'lib/brokers/amqp/broker.ts', 'lib/state/redis/store.ts', 'lib/worker/worker.ts'], allowed: 'lib/redis/client.ts' },
  { file: 'lib/state/state-backend.ts', refused: ['lib/task/task.ts', 'lib/state/amqp/ledger.ts', 'lib/brokers/broker.ts'], allowed: 'lib/errors.ts' },
  { file: 'lib/state/result-store.ts', refused: ['lib/state/amqp/ledger.ts', 'lib/results/record.ts'], allowed: 'lib/state/state-backend.ts' },
  { file: 'lib/state/amqp/ledger.ts', refused: ['lib/brokers/broker.ts', 'lib/brokers/amqp/broker.ts', 'lib/state/redis/store.ts', 'lib/results/record.ts'], allowed: 'lib/amqp/open.ts' },
  { file: 'lib/state/embedded/store.ts', refused: ['lib/brokers/embedded/broker.ts', 'lib/amqp/open.ts'], allowed: 'lib/lmdb/folder.ts' },
  { file: 'lib/state/redis/store.ts', refused: ['lib/state/mongodb/store.ts', 'lib/lmdb/folder.ts'], allowed: 'lib/state/result-store.ts' },
  { file: 'lib/state/mongodb/store.ts', refused: ['lib/state/memcache/store.ts', 'lib/brokers/broker.ts'], allowed: 'lib/state/result-store.ts' },
  { file: 'lib/state/memcache/store.ts', refused: ['lib/state/redis/store.ts', 'lib/task/task.ts'], allowed: 'lib/state/result-store.ts' },
  { file: 'lib/state/supervised/link.ts', refused: ['lib/state/redis/store.ts', 'lib/worker/worker.ts'], allowed: 'lib/time/timer.ts' },
  { file: 'lib/state/create-result-backend.ts', refused: ['lib/brokers/broker.ts', 'lib/dispatcher/parts.ts'], allowed: 'lib/state/redis/store.ts' },
  { file: 'lib/results/record.ts', refused: ['lib/worker/worker.ts', 'lib/state/redis/store.ts', 'lib/brokers/amqp/broker.ts'], allowed: 'lib/state/state-backend.ts' },
  { file: 'lib/worker/worker.ts', refused: ['lib/brokers/embedded/broker.ts', 'lib/state/amqp/ledger.ts', 'lib/dispatcher/parts.ts', 'lib/workflows/workflow.ts'], allowed: 'lib/formats/format.ts' },
  { file: 'lib/schedules/schedule.ts', refused: ['lib/worker/worker.ts', 'lib/brokers/amqp/broker.ts'], allowed: 'lib/formats/format.ts' },
  { file: 'lib/workflows/workflow.ts', refused: ['lib/worker/worker.ts', 'lib/schedules/schedule.ts'], allowed: 'lib/state/state-backend.ts' },
  { file: 'lib/control/pause.ts', refused: ['lib/workflows/workflow.ts', 'lib/brokers/embedded/broker.ts'], allowed: 'lib/brokers/broker.ts' },
  { file: 'lib/dead-letters/letter.ts', refused: ['lib/worker/worker.ts', 'lib/results/record.ts'], allowed: 'lib/formats/format.ts' },
  { file: 'lib/inspection/model.ts', refused: ['lib/worker/worker.ts', 'lib/dead-letters/letter.ts', 'lib/brokers/amqp/broker.ts'], allowed: 'lib/brokers/broker.ts' },
  { file: 'lib/dispatcher/parts.ts', refused: ['lib/nest/module.ts', 'lib/amqp/open.ts', 'lib/index.ts', 'node_modules/@nestjs/common/index.js'], allowed: 'lib/brokers/amqp/broker.ts' },
  { file: 'lib/nest/module.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/state/redis/store.ts', 'lib/index.ts'], allowed: 'lib/dispatcher/parts.ts' },
  { file: 'lib/cli/main.ts', refused: ['lib/nest/module.ts', 'lib/worker/worker.ts', 'lib/brokers/amqp/broker.ts', 'lib/index.ts', 'node_modules/@nestjs/common/index.js'], allowed: 'lib/dispatcher/parts.ts' },
  { file: 'lib/index.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/amqp/open.ts', 'lib/dashboard/server.ts'], allowed: 'lib/nest/module.ts' },
  { file: 'lib/schematics/edits.ts', refused: ['lib/errors.ts', 'lib/nest/module.ts'] },
  { file: 'lib/testing/stage.ts', refused: ['lib/brokers/amqp/broker.ts', 'lib/state/redis/store.ts', 'lib/dashboard/server.ts'], allowed: 'lib/time/timer.ts' },
  { file: 'lib/foreign/celery/store.ts', refused: ['lib/worker/worker.ts', 'lib/dispatcher/parts.ts', 'lib/brokers/amqp/broker.ts'], allowed: 'lib/results/task-result.ts' },
  { file: 'lib/contract-suites/suite.ts', refused: ['lib/dispatcher/parts.ts', 'lib/nest/module.ts', 'lib/index.ts'], allowed: 'lib/formats/formats.ts' },
  { file: 'lib/marshallers/cbor.ts', refused: ['lib/formats/format.ts', 'lib/dispatcher/parts.ts', 'lib/s3/claims.ts'], allowed: 'lib/index.ts' },
  { file: 'lib/s3/claims.ts', refused: ['lib/claims/claims.ts', 'lib/dispatcher/parts.ts', 'lib/terminus/indicator.ts'], allowed: 'lib/index.ts' },
  { file: 'lib/terminus/indicator.ts', refused: ['lib/dispatcher/parts.ts', 'lib/nest/module.ts', 'lib/dashboard/server.ts'], allowed: 'lib/index.ts' },
  { file: 'lib/telemetry/recorder.ts', refused: ['lib/dispatcher/parts.ts', 'lib/prometheus/module.ts', 'lib/worker/worker.ts', 'node_modules/@nestjs/common/index.js'], allowed: 'lib/index.ts' },
  { file: 'lib/prometheus/module.ts', refused: ['lib/dispatcher/parts.ts', 'lib/nest/module.ts', 'lib/opentelemetry/spans.ts'], allowed: 'lib/telemetry/recorder.ts' },
  { file: 'lib/outbox/relay.ts', refused: ['lib/dispatcher/parts.ts', 'lib/nest/module.ts', 'lib/brokers/broker.ts'], allowed: 'lib/time/within.ts' },
  { file: 'lib/opentelemetry/spans.ts', refused: ['lib/dispatcher/parts.ts', 'lib/nest/module.ts', 'lib/worker/worker.ts', 'lib/terminus/indicator.ts'], allowed: 'lib/index.ts' },
  { file: 'lib/dashboard/server.ts', refused: ['lib/dispatcher/parts.ts', 'lib/brokers/broker.ts', 'lib/nest/module.ts', 'lib/dead-letters/letter.ts'], allowed: 'lib/index.ts' },
];

/** A file of a folder that no rule knows, which imports one, and one that imports it. */
const UNKNOWN = 'lib/unknown/file.ts';
const USER_OF_UNKNOWN = 'lib/nest/user-of-unknown.ts';

interface Violation { readonly rule: { readonly name: string }; readonly from: string; readonly to: string }

describe('the import rules', () => {
  let violations: readonly Violation[];
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dispatcher-rules-'));
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json']) cpSync(join(root, file), join(folder, file));
    for (const { file } of ROOMS) write(file, 'export const here = 1;\n');
    write(UNKNOWN, "export * from '../errors.js';\n");
    write(USER_OF_UNKNOWN, "export * from '../unknown/file.js';\n");
    write('node_modules/@nestjs/common/package.json', '{ "name": "@nestjs/common", "main": "index.js" }');
    write('node_modules/@nestjs/common/index.js', '');
    // In files of their own: what is allowed in one direction must not close a circle with what is not.
    for (const room of ROOMS) write(plantOf(room), [...room.refused, ...(room.allowed === undefined ? [] : [room.allowed])].map((target) => importOf(plantOf(room), target)).join(''));
    violations = cruise();
    // It reads every file of the library once; ten seconds are too few where others use the machine.
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(ROOMS.flatMap((room) => room.refused.map((target) => ({ room, target }))))('refuse $target in the room of $room.file', ({ room, target }) => {
    expect(violations.filter(({ from, to }) => from === plantOf(room) && to === target).map(({ rule }) => rule.name)).not.toEqual([]);
  });

  it('allow what the table allows', () => {
    const refused = violations.map(({ from, to }) => `${from} -> ${to}`);
    for (const room of ROOMS) if (room.allowed !== undefined) expect(refused).not.toContain(`${plantOf(room)} -> ${room.allowed}`);
  });

  it('refuse a room without a rule, in both directions', () => {
    const of = (file: string): string[] => violations.filter(({ from }) => from === file).map(({ rule }) => rule.name);
    expect(of(UNKNOWN)).toContain('a-room-has-a-rule');
    expect(of(USER_OF_UNKNOWN)).toContain('nobody-imports-a-room-without-a-rule');
  });

  it('are shown here for each room that there is', () => {
    const known = new Set(ROOMS.map(({ file }) => roomOf(file)));
    const there = [...entriesOf('lib'), ...entriesOf('lib/brokers'), ...entriesOf('lib/state')].filter((entry) => !['lib/brokers', 'lib/state'].includes(entry));
    const inRooms = there.filter((entry) => !/^lib\/state\/(load-peer|expiry-buckets|result-backend-options)\.ts$/.test(entry));
    expect(inRooms.filter((entry) => !known.has(entry))).toEqual([]);
  });

  it('are of rooms that the architecture names', () => {
    const text = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
    const [house, folders] = [text.slice(text.indexOf('## The house'), text.indexOf('## Folders')), text.slice(text.indexOf('## Folders'))];
    const drawn = new Set(house.match(/[\w.-]+(\/|\.ts)(?=\s)/g)?.map((name) => name.replace(/\/$/, '')));
    expect(entriesOf('lib').filter((entry) => !drawn.has(entry.slice('lib/'.length)))).toEqual([]);
    expect(entriesOf('lib').filter((entry) => !folders.includes(`\`${entry}`))).toEqual([]);
  });

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }

  function cruise(): readonly Violation[] {
    const args = [join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'lib'];
    // Its exit code is the number of violations with another kind of output; this one always ends well.
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    return (JSON.parse(output) as { summary: { violations: Violation[] } }).summary.violations;
  }
});

/** A single file that is a room of its own carries the imports itself; a folder has a file for them. */
function plantOf({ file }: Room): string {
  return roomOf(file) === file ? file : posix.join(posix.dirname(file), 'planted.ts');
}

function roomOf(file: string): string {
  const [lib, room, inner] = file.split('/') as [string, string, string];
  if (room.endsWith('.ts')) return `${lib}/${room}`;
  return room === 'brokers' || room === 'state' ? `${lib}/${room}/${inner}` : `${lib}/${room}`;
}

function importOf(from: string, target: string): string {
  const path = target.startsWith('node_modules/') ? '@nestjs/common' : posix.relative(posix.dirname(from), target).replace(/^(?!\.)/, './').replace(/\.ts$/, '.js');
  return `import ${JSON.stringify(path)};\n`;
}

function entriesOf(path: string): string[] {
  return readdirSync(join(root, path)).map((name) => `${path}/${name}`);
}
