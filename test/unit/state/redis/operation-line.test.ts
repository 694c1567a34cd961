import { describe, expect, it } from 'vitest';
import { OperationLine } from '../../../../lib/state/redis/operation-line.js';

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe('OperationLine', () => {
  function lineWith(send: (packed: Buffer) => Promise<unknown[]>): { ask(name: string): void; line: OperationLine; told: unknown[] } {
    const told: unknown[] = [];
    const line = new OperationLine(send);
    return { line, told, ask: (name) => line.ask(['g', name], (reply) => told.push(reply), (error) => told.push(error)) };
  }

  it('sends what one turn asks for as one request, and gives each its own answer', async () => {
    const sent: Buffer[] = [];
    const { ask, told } = lineWith((packed) => {
      sent.push(packed);
      return Promise.resolve(['first', new Error('only the second'), null]);
    });
    for (const name of ['a', 'b', 'c']) ask(name);
    expect(sent).toHaveLength(0);
    await turn();
    await turn();
    expect(sent).toHaveLength(1);
    expect(told).toEqual(['first', new Error('only the second'), null]);
  });

  it('fails each with what the request failed with, also where it could not be sent at all', async () => {
    const { ask, told } = lineWith(() => {
      throw new Error('not connected');
    });
    ask('a');
    ask('b');
    await turn();
    await turn();
    expect(told).toEqual([new Error('not connected'), new Error('not connected')]);
  });

  it('lets go of what was not sent yet', async () => {
    const sent: Buffer[] = [];
    const { ask, told, line } = lineWith((packed) => {
      sent.push(packed);
      return Promise.resolve([]);
    });
    ask('a');
    line.reject(new Error('dropped'));
    await turn();
    expect([sent, told]).toEqual([[], [new Error('dropped')]]);
  });
});
