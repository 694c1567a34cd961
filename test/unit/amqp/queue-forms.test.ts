import { describe, expect, it } from 'vitest';
import { declareInOneOf, type QueueArguments } from '../../../lib/amqp/queue-forms.js';

const refused = (text: string, code = 406): Error => Object.assign(new Error(text), { code });

describe('declareInOneOf', () => {
  const [a, b, c] = [{ a: 1 }, { b: 1 }, { c: 1 }] as const;
  const server = (takes: (form: QueueArguments) => Error | undefined) => {
    const asked: QueueArguments[] = [];
    return { asked, declare: async (form: QueueArguments): Promise<void> => {
      asked.push(form);
      const error = takes(form);
      if (error !== undefined) throw error;
    } };
  };

  it('takes the first form that the server takes', async () => {
    const { asked, declare } = server((form) => (form === c ? undefined : refused(`not ${Object.keys(form).join()}`)));
    expect(await declareInOneOf([a, b, c], declare)).toBe(c);
    expect(asked).toEqual([a, b, c]);
  });

  it('says of the first form why it was refused, where none is taken', async () => {
    const { declare } = server((form) => refused(`not ${Object.keys(form).join()}`));
    await expect(declareInOneOf([a, b], declare)).rejects.toThrow('not a');
  });

  it.each([404, 405, undefined])('does not go on after another failure (%s)', async (code) => {
    const { asked, declare } = server(() => Object.assign(new Error('other'), { code }));
    await expect(declareInOneOf([a, b], declare)).rejects.toThrow('other');
    expect(asked).toEqual([a]);
  });
});
