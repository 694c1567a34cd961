import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { livenessOf, ownIdentity } from '../../../../../lib/brokers/embedded/lmdb/process-identity.js';

describe('livenessOf', () => {
  it('finds this process alive', () => {
    expect(livenessOf(ownIdentity())).toBe('alive');
  });

  it('finds an ended process dead', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const { pid } = child;
    await once(child, 'close');
    expect(livenessOf({ ...ownIdentity(), pid: pid as number })).toBe('dead');
  });

  it.runIf(process.platform === 'linux')('is not fooled by another process with the same number', () => {
    expect(livenessOf({ ...ownIdentity(), started: 'another boot:1' })).toBe('dead');
  });

  it('does not judge processes of another container by their number', () => {
    expect(livenessOf({ ...ownIdentity(), namespace: 'pid:[1]' })).toBe('out-of-sight');
  });

  it('goes by the number alone where the system does not tell when a process started', () => {
    const { pid, namespace } = ownIdentity();
    expect(livenessOf({ pid, namespace })).toBe('alive');
  });
});
