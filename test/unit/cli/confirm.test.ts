import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirm } from '../../../lib/cli/confirm.js';
import { InterruptedError, RefusedError } from '../../../lib/cli/failures.js';
import type { VerbContext } from '../../../lib/cli/verb.js';

function at(isTTY: boolean, typed: string): { context: VerbContext; said: () => string; stopper: AbortController } {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const stopper = new AbortController();
  stdin.write(typed);
  return { context: { terminal: { stdin, stderr }, signal: stopper.signal } as unknown as VerbContext, said: () => String(stderr.read() as Buffer | null), stopper };
}

describe('what cannot be undone', () => {
  it('is done where the word is typed, and asked for on standard error', async () => {
    const { context, said } = at(true, 'orders\n');
    await confirm(context, false, 'discard 2 dead letters', 'orders');
    expect(said()).toContain('This will discard 2 dead letters.\nType "orders" to go on: ');
  });

  it('is not done where something else is typed, or there is no terminal', async () => {
    await expect(confirm(at(true, 'yes\n').context, false, 'x', 'orders')).rejects.toThrow(RefusedError);
    await expect(confirm(at(false, 'orders\n').context, false, 'x', 'orders')).rejects.toThrow(/--yes/);
  });

  it('is done with --yes, anywhere', async () => {
    await confirm(at(false, '').context, true, 'x', 'orders');
  });

  it('is not waited for when it is interrupted', async () => {
    const { context, stopper } = at(true, '');
    const asked = confirm(context, false, 'x', 'orders');
    stopper.abort(new InterruptedError('SIGINT'));
    await expect(asked).rejects.toThrow(InterruptedError);
  });
});
