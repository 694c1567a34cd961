import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROTOCOLS, safety, withMistake } from '../../model/protocols.js';
import { noTlc, runTlc } from '../../model/tlc.js';

/** Java starts first, and others use the machine. */
const LIMIT_MS = 300_000;

/** Of each specification one mistake here; `npm run model` plants all of them, and has larger bounds. */
describe.skipIf(noTlc !== undefined)(`specifications, by TLC${noTlc === undefined ? '' : ` (${noTlc})`}`, () => {
  it.each(PROTOCOLS.map((protocol) => [protocol.about, protocol] as const))('hold: %s', async (_about, protocol) => {
    const { violated, distinct } = await runTlc(safety(protocol, protocol.small));
    expect(violated).toBeUndefined();
    expect(distinct).toBeGreaterThan(1_000);
  }, LIMIT_MS);

  it('can fail: a mistake is found', async () => {
    const [settle] = PROTOCOLS;
    const { violated } = await runTlc(withMistake(settle!, { mistake: 'ack-before-confirm', breaks: 'SettledLast' }));
    expect(violated).toBe('SettledLast');
  }, LIMIT_MS);
});

describe('the table of specifications', () => {
  it('plants a mistake for each invariant and property, which its specification knows', () => {
    for (const { name, invariants, properties = [], mistakes, live } of PROTOCOLS) {
      const text = readFileSync(`test/model/specs/${name}.tla`, 'utf8');
      expect(mistakes.map(({ breaks }) => breaks)).toEqual(expect.arrayContaining([...invariants, ...properties]));
      for (const mistake of [...mistakes.map((one) => one.mistake), ...live === undefined ? [] : [live.mistake]]) expect(text).toContain(`"${mistake}"`);
    }
  });
});
