import { describe, expect, it } from 'vitest';
import { pack } from '../../../lib/redis/pack.js';

describe('pack', () => {
  it('writes a list of byte strings as MessagePack has them', () => {
    expect(pack(['ab', Buffer.from([0xff, 0x00])]).toString('hex')).toBe('dd00000002db000000026162db00000002ff00');
    expect(pack([]).toString('hex')).toBe('dd00000000');
  });

  it('counts bytes, not characters', () => {
    expect(pack(['ü']).toString('hex')).toBe('dd00000001db00000002c3bc');
    expect(pack(['', '🐰']).toString('hex')).toBe('dd00000002db00000000db00000004f09f90b0');
  });
});
