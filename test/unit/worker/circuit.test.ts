import { describe, expect, it } from 'vitest';
import { Circuit, type Admission } from '../../../lib/worker/circuit/circuit.js';

const RULES = { failureShare: 0.5, minimumTasks: 4, windowMs: 1000, openMs: 500 };

function period(admission: Admission): number {
  if (admission.kind === 'wait') throw new Error('not admitted');
  return admission.period;
}

function feed(circuit: Circuit, outcomes: readonly boolean[], now: number): void {
  for (const failed of outcomes) circuit.record(period(circuit.admit(now)), failed, now);
}

describe('a circuit', () => {
  it('opens at the share of failures, not before enough attempts', () => {
    const circuit = new Circuit(RULES);
    feed(circuit, [true, true, true], 0);
    expect(circuit.state).toBe('closed');
    feed(circuit, [false], 0);
    expect(circuit.state).toBe('open');
    expect([circuit.tasks, circuit.failures]).toEqual([4, 3]);
  });

  it('stays closed below the share', () => {
    const circuit = new Circuit(RULES);
    feed(circuit, [true, false, false, false, true, false, false, false], 0);
    expect(circuit.state).toBe('closed');
  });

  it('forgets what is older than the window, step by step', () => {
    const circuit = new Circuit(RULES);
    feed(circuit, [true, true], 0);
    feed(circuit, [true], 500);
    feed(circuit, [true], 1000);
    expect([circuit.state, circuit.tasks]).toEqual(['closed', 2]);
    feed(circuit, [true], 9000);
    expect(circuit.tasks).toBe(1);
  });

  it('lets one try after its time, and closes with a clean sheet when that succeeds', () => {
    const circuit = new Circuit(RULES);
    feed(circuit, [true, true, true, true], 0);
    expect(circuit.admit(100)).toEqual({ kind: 'wait', milliseconds: 400 });
    const probe = circuit.admit(500);
    expect(probe.kind).toBe('probe');
    expect(circuit.admit(501)).toEqual({ kind: 'wait', milliseconds: 500 });
    expect(circuit.record(period(probe), false, 510)).toBe('closed');
    feed(circuit, [true, true, true], 520);
    expect([circuit.state, circuit.tasks]).toEqual(['closed', 3]);
  });

  it('opens again when the one that tried fails, and lets another try when its end says nothing', () => {
    const circuit = new Circuit(RULES);
    feed(circuit, [true, true, true, true], 0);
    circuit.record(period(circuit.admit(500)), undefined, 510);
    expect(circuit.state).toBe('half-open');
    circuit.record(period(circuit.admit(520)), true, 530);
    expect(circuit.admit(540)).toEqual({ kind: 'wait', milliseconds: 490 });
  });

  it('does not count what began before it opened', () => {
    const circuit = new Circuit(RULES);
    const early = period(circuit.admit(0));
    feed(circuit, [true, true, true, true], 0);
    const probe = period(circuit.admit(500));
    circuit.record(early, false, 501);
    expect(circuit.state).toBe('half-open');
    circuit.record(probe, false, 502);
    circuit.record(early, true, 503);
    expect([circuit.state, circuit.tasks]).toEqual(['closed', 4]);
  });
});
