import { describe, expect, it } from 'vitest';
import { DispatcherError, ResultBackendUnavailableError } from '../../../lib/errors.js';
import { Arrivals, emission, eventually } from '../../support/wait.js';
import { bytes, MINUTE, type ResultBackendBench } from './fixture.js';

export function describeConnection(bench: ResultBackendBench): void {
  const { connect, subject } = bench;
  describe('the connection', () => {
    it('takes no more than it may hold', async () => {
      const backend = await connect({ maxPendingOperations: 10 });
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => backend.set('k', bytes('v'), MINUTE)));
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused).toHaveLength(90);
      for (const { reason } of refused) expect(reason).toBeInstanceOf(ResultBackendUnavailableError);
      await backend.set('k', bytes('v'), MINUTE);
    });
  });

  if (subject.server !== undefined) describeFaults(bench, subject.server);
}

function describeFaults({ connect, make, subject }: ResultBackendBench, server: NonNullable<ResultBackendBench['subject']['server']>): void {
  describe('a server that dies', () => {
    it('fails operations with typed errors, hangs none, and is found again', async () => {
      const backend = await connect({ operationTimeoutMs: 2_000, heartbeatMs: 200 });
      const events = new Arrivals<string>();
      backend.events.subscribe(({ type }) => events.add(type));
      const seen = new Arrivals<string>();
      const stop = backend.watch('watched', (value) => seen.add(value.toString()));
      let running = true;
      const outcomes = { done: 0, failed: 0 };
      const traffic = Promise.all(Array.from({ length: 20 }, async (_, index) => {
        while (running) {
          try {
            await backend.set(`t${index}`, bytes('v'), MINUTE);
            await backend.addMember('traffic', `m${index}`, bytes('v'), MINUTE);
            outcomes.done++;
          } catch (error) {
            expect(error).toBeInstanceOf(DispatcherError);
            if (subject.standInFault?.test(String(error)) !== true) expect((error as DispatcherError).retryable, String(error)).toBe(true);
            outcomes.failed++;
          }
        }
      }));
      await eventually(() => outcomes.done, (done) => done > 20, 'traffic');
      await server.kill9();
      await events.first((type) => type === 'results.connection-lost', 'the loss');
      await eventually(() => outcomes.failed, (failed) => failed >= 20, 'operations to fail');
      await server.start();
      await emission(backend.states, ({ status }) => status === 'ready', 'the connection to be back', 20_000);
      const before = outcomes.done;
      await eventually(() => outcomes.done, (done) => done > before + 20, 'traffic to go on', { limitMs: 40_000 });
      running = false;
      await traffic;
      await backend.set('watched', bytes('after'), MINUTE);
      await seen.first((value) => value === 'after', 'the watch to go on');
      stop();
    });

    it('is told at connect, within the limit', async () => {
      await server.kill9();
      const backend = make({ connectTimeoutMs: 500 });
      const error: unknown = await backend.connect().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ResultBackendUnavailableError);
      expect((error as Error).message).toMatch(/Not connected to the result backend at .*Try again/);
      expect(backend.state.status).toBe('idle');
      await server.start();
      await eventually(async () => { await backend.connect(); return backend.state.status; }, (status) => status === 'ready', 'a later connect');
    });

    it('does not hold up close', async () => {
      const backend = await connect({ heartbeatMs: 100 });
      backend.watch('k', () => undefined);
      await server.kill9();
      const pending = Array.from({ length: 10 }, () => backend.set('k', bytes('v'), MINUTE).then(() => 'done', (error: unknown) => error));
      await backend.close(3_000);
      for (const outcome of await Promise.all(pending)) expect(outcome).toBeInstanceOf(DispatcherError);
      expect(backend.state.status).toBe('closed');
      await server.start();
    });
  });

  describe('a server that freezes', () => {
    it('fails operations in time, and does not hold up close', async () => {
      const backend = await connect({ operationTimeoutMs: 500 });
      server.freeze();
      try {
        const outcomes = await Promise.allSettled([backend.set('k', bytes('v'), MINUTE), backend.get('k'), backend.addMember('g', 'm', bytes('v'), MINUTE)]);
        for (const outcome of outcomes) {
          expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(DispatcherError);
          expect(outcome.status === 'rejected' && (outcome.reason as DispatcherError).retryable).toBe(true);
        }
        await backend.close(500);
        expect(backend.state.status).toBe('closed');
      } finally {
        server.thaw();
      }
    });

    it('is used again once it has thawed', async () => {
      const backend = await connect({ operationTimeoutMs: 500, heartbeatMs: 200 });
      server.freeze();
      try {
        await emission(backend.states, ({ status }) => status === 'lost', 'the loss to be noticed');
      } finally {
        server.thaw();
      }
      await emission(backend.states, ({ status }) => status === 'ready', 'the connection to be back');
      // What it has kept so far may take longer to be read again than one operation has.
      await eventually(() => backend.set('k', bytes('v'), MINUTE).then(() => true), (isSet) => isSet, 'a value to be set', { limitMs: 20_000 });
    });
  });
}
