import { describe, expect, it } from 'vitest';
import { MINUTE, type ResultBackendBench } from './fixture.js';

export function describeMembers({ connect }: ResultBackendBench): void {
  describe.concurrent('members', () => {
    it('with large values come in small pages', async () => {
      const backend = await connect();
      const value = Buffer.alloc(400_000, 7);
      for (let index = 0; index < 8; index++) await backend.addMember('large', `m${index}`, value, MINUTE);
      let members = 0;
      for await (const page of backend.members('large')) {
        expect(page.reduce((sum, member) => sum + member.value.length, 0)).toBeLessThan(20 * value.length);
        members += page.length;
      }
      expect(members).toBe(8);
    });
  });
}
