import { afterAll, beforeAll } from 'vitest';
import { randomUUID } from 'node:crypto';
import type { StateBackendsUnderTest } from '../../../lib/contract-suites/index.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import type { ResultBackendOptions } from '../../../lib/state/result-backend-options.js';
import type { Member, StateBackend } from '../../../lib/state/state-backend.js';
import { eachTests, onTestFinished } from '../../support/test-end.js';

/** A kind of result backend, and the real server of it that a test may do anything with. */
export interface ResultBackendSubject {
  /** The server that this machine lacks: then nothing is tested, and the run says so. */
  missing?: string;
  /** Starts what keeps the results; resolves to the URL. */
  start(): Promise<string>;
  stop(): Promise<void>;
  /** What this kind needs beside its URL. */
  options?: ResultBackendOptions;
  /** Where there is a server: how to kill it, and to start it again with the same data. */
  server?: { kill9(): Promise<void>; start(): Promise<void>; freeze(): void; thaw(): void };
  /** What was acknowledged is there after `kill9` and `start`. */
  keepsAfterKill?: boolean;
  /** What a stand-in for the server answers after a kill, and the server itself would not. */
  standInFault?: RegExp;
}

export interface ResultBackendBench {
  readonly subject: ResultBackendSubject;
  /** Connected, on the same server and with the same keys as all others of this test; closed after it. */
  connect(options?: ResultBackendOptions): Promise<StateBackend>;
  /** Keys of its own, for the suite that closes what it makes. */
  place(): StateBackendsUnderTest;
  /** As `connect`, but left alone. */
  make(options?: ResultBackendOptions): StateBackend;
}

/** One server for all tests of a file; keys of its own for each test, so that they may run side by side. */
export function useResultBackends(subject: ResultBackendSubject): ResultBackendBench {
  let url: string;
  const keyPrefix = eachTests(() => `test-${randomUUID().slice(0, 8)}:`);
  beforeAll(async () => { url = await subject.start(); });
  afterAll(() => subject.stop());
  const make = (options: ResultBackendOptions = {}): StateBackend => {
    const backend = createResultBackend(url, { keyPrefix: keyPrefix(), reconnectMinMs: 20, reconnectMaxMs: 200, ...subject.options, ...options });
    onTestFinished(() => backend.close(5_000));
    return backend;
  };
  return {
    subject, make,
    place: () => {
      const keys = `test-${randomUUID().slice(0, 8)}:`;
      return { make: () => createResultBackend(url, { reconnectMinMs: 20, reconnectMaxMs: 200, ...subject.options, keyPrefix: keys }) };
    },
    connect: async (options) => {
      const backend = make(options);
      await backend.connect();
      return backend;
    },
  };
}

export const MINUTE = { expiresInMs: 60_000 };

export const bytes = (text: string): Buffer => Buffer.from(text);

export async function allMembers(backend: StateBackend, key: string): Promise<Member[]> {
  const members: Member[] = [];
  for await (const page of backend.members(key)) members.push(...page);
  return members;
}
