import { describe, expect, it } from 'vitest';
import { causedByPublish, closuresToBlame, oversizeIn } from '../../../../../lib/brokers/amqp/publishing/channel-blame.js';

describe('channel blame', () => {
  it('reads the sizes of a refused message', () => {
    const text = 'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - message size 2097152 is larger than configured max size 1048576"';
    expect(oversizeIn({ code: 406, text })).toEqual({ bytes: 2_097_152, maxBytes: 1_048_576 });
    expect(oversizeIn({ code: 406, text: 'PRECONDITION_FAILED - fast reply consumer does not exist' })).toBeUndefined();
  });

  it.each([
    [406, true],
    [404, true],
    [501, true],
    [541, true],
    [320, false],
    [undefined, false],
  ])('code %s may be caused by a publish: %s', (code, expected) => {
    expect(causedByPublish({ code, text: '' })).toBe(expected);
  });

  it('gives a missing exchange a second chance', () => {
    expect([404, 406, 541].map((code) => closuresToBlame({ code, text: '' }))).toEqual([2, 1, 3]);
  });
});
