import { describe, expect, it } from 'vitest';
import { LONGEST_DELAY_MS as LADDERS_LONGEST } from '../../../lib/brokers/amqp/delays/delay-ladder.js';
import { InvalidTaskError } from '../../../lib/errors.js';
import type { TaskInput } from '../../../lib/task/task.js';
import { LONGEST_DELAY_MS, timingOf } from '../../../lib/task/timing.js';

const NOW = Date.UTC(2030, 0, 1);
const timing = (input: unknown): unknown => timingOf(input as TaskInput, 'a', NOW);

describe('timingOf', () => {
  it.each([
    [{ delaySeconds: 0 }, {}],
    [{ delaySeconds: 0.0001 }, { dueAt: NOW + 1 }],
    [{ delaySeconds: 2.5 }, { dueAt: NOW + 2500 }],
    [{ delaySeconds: LONGEST_DELAY_MS / 1000 }, { dueAt: NOW + LONGEST_DELAY_MS }],
    [{ eta: new Date(NOW + 5) }, { dueAt: NOW + 5 }],
    [{ eta: NOW + 5.5 }, { dueAt: NOW + 6 }],
    [{ eta: '2030-01-01T00:00:01.250Z' }, { dueAt: NOW + 1250 }],
    [{ eta: '2030-01-01T02:00:01+02:00' }, { dueAt: NOW + 1000 }],
    [{ eta: '2030-01-01T00:01Z' }, { dueAt: NOW + 60_000 }],
    [{ eta: new Date(NOW) }, {}],
    [{ eta: '2001-01-01T00:00:00Z' }, {}],
    [{ expiresInSeconds: 0.5 }, { expiresAt: NOW + 500 }],
    [{ delaySeconds: 1, expiresInSeconds: 2 }, { dueAt: NOW + 1000, expiresAt: NOW + 2000 }],
  ])('reads %o', (input, expected) => {
    expect(timing(input)).toEqual(expected);
  });

  it.each([
    [{ delaySeconds: 1, eta: new Date(NOW) }, /both delaySeconds and eta; give one/],
    [{ delaySeconds: -1 }, /delaySeconds must be a number of seconds, 0 or more.*found the number -1/],
    [{ delaySeconds: Number.NaN }, /delaySeconds must be/],
    [{ delaySeconds: '5' }, /delaySeconds must be.*found the string "5"/],
    [{ delaySeconds: Infinity }, /at most 214748364 s \(6\.8 years\)/],
    [{ delaySeconds: LONGEST_DELAY_MS / 1000 + 1 }, /delaySeconds is .* away; at most/],
    [{ eta: new Date(NOW + LONGEST_DELAY_MS + 1) }, /eta is .* away; at most/],
    [{ eta: new Date(Number.NaN) }, /eta must be a valid Date/],
    [{ eta: 'tomorrow' }, /ISO 8601 time with its zone.*found the string "tomorrow"/],
    [{ eta: '2030-01-01T00:00:00' }, /with its zone/],
    [{ eta: '2030-13-01T00:00:00Z' }, /eta must be/],
    [{ eta: Number.NaN }, /eta must be/],
    [{ eta: null }, /eta must be/],
    [{ eta: NOW / 1000 }, /seems to be seconds.*\* 1000/],
    [{ expiresInSeconds: 0 }, /expiresInSeconds must be a number of seconds above 0/],
    [{ expiresInSeconds: Number.NaN }, /expiresInSeconds must be/],
    [{ expiresInSeconds: Infinity }, /expiresInSeconds must be/],
    [{ delaySeconds: 10, expiresInSeconds: 10 }, /would never run.*longer than the delay/],
  ])('refuses case %#', (input, message) => {
    expect(() => timing(input)).toThrow(InvalidTaskError);
    expect(() => timing(input)).toThrow(message);
  });

  it('promises no more than the ladder of delays can keep', () => {
    expect(LONGEST_DELAY_MS).toBe(LADDERS_LONGEST);
  });
});
