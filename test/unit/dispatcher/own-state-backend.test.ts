import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, type ServerConfig } from '../../../lib/index.js';
import { checkResults } from '../../../lib/dispatcher/config/results-config.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { oneWorker, startOn } from '../../support/nest-on-broker.js';

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { return a + b; }
}

describe('a result backend of the application\'s own', () => {
  it('keeps results, is connected when it is needed, and is closed with the application', async () => {
    const resultBackend = createResultBackend(`embedded:#${randomUUID()}`);
    const { app, service } = await startOn({ ...oneWorker('embedded:', 'own-state'), resultBackend }, { providers: [Tasks] });
    const sent = await service.publish('add', { args: [1, 2], result: true });
    expect(await sent.result()).toBe(3);
    expect(resultBackend.state.status).toBe('ready');
    expect(await service.task(sent.uuid).result()).toBe(3);
    await app.close();
    expect(resultBackend.state.status).toBe('closed');
  });

  it.each([{}, { connect: () => Promise.resolve() }, 5, ''])('has all operations; %o is none', (resultBackend) => {
    expect(() => checkResults({ resultBackend } as unknown as ServerConfig, 'embedded:', '/')).toThrow('or a StateBackend of your own');
  });
});
