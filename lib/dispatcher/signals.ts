import { randomUUID } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
import { ConfigurationError, StepError } from '../errors.js';
import type { Audited } from '../events/audited.js';
import { encodeValue } from '../results/result-value.js';
import type { SuspendedFound } from '../inspection/task-report.js';
import type { StateBackend } from '../state/state-backend.js';
import { display } from '../task/argument-types.js';
import { messageOf } from '../task/error-text.js';
import { text } from '../task/option-kinds.js';
import { checkOptions, requireText } from '../task/options.js';
import { isTaken, type SignalOutcome } from '../task/signal-outcome.js';
import { clock } from '../time/clock.js';
import { KeptRecord, type RecordChange, roomIn, stepsKey } from '../worker/steps/kept-record.js';
import { messageFrom } from '../worker/steps/parked-message.js';
import { waitText } from '../worker/steps/run-record.js';
import { checkStepName } from '../worker/steps/step-options.js';
import { encodeRecord, FIRST_TURN, newRecord, type SignalEntry, type StepsRecord, withSignal } from '../worker/steps/steps-record.js';

/** @publicApi */
export interface SignalOptions {
  /** Who says it. Default: nobody is named. */
  readonly by?: string;
  /** Why. Default: none. */
  readonly reason?: string;
}

export interface SignalsDependencies {
  readonly broker: Pick<Broker, 'publish'>;
  readonly backend: () => Promise<StateBackend>;
  /** Whether anything may be recorded at all; where that is not known, it may. */
  readonly mayHold: () => Promise<boolean>;
  readonly keepMs: number;
  /** Resolves when the broker can be used. */
  readonly ready: () => Promise<void>;
  readonly audited: Audited;
  readonly warn: (message: string) => void;
}

const AT_A_TIME = 16;
const LONGEST_UUID = 255;

/** Tells tasks what they wait for, and has those go on that do. */
export class Signals {
  constructor(private readonly dependencies: SignalsDependencies) {}

  /** @throws StepError, and what the shared state and the broker throw: then it may be recorded, and can be said again */
  async send(uuid: string, name: string, value: unknown, options?: SignalOptions): Promise<SignalOutcome> {
    return this.dependencies.audited({ action: 'signal', by: options?.by, reason: options?.reason, what: { uuid, signal: name } }, async () => {
      checkSignal(uuid, name, options);
      const signal: SignalEntry = { name, at: clock.now(), id: randomUUID(), value: encoded(name, value) };
      await this.dependencies.ready();
      const backend = await this.dependencies.backend();
      const record = await this.kept(uuid).change(backend, signalling(signal, roomIn(backend)));
      if (record?.parked?.signals.includes(name) === true) await this.wake(record);
      return outcomeOf(record, signal);
    }, (outcome) => ({ count: isTaken(outcome) ? 1 : 0 }));
  }

  /** Those of them that wait between two steps end now, and not when they would have gone on. Never rejects. */
  async callOff(uuids: readonly string[], why: string): Promise<void> {
    try {
      if (!await this.dependencies.mayHold()) return;
      const backend = await this.dependencies.backend();
      for (let from = 0; from < uuids.length; from += AT_A_TIME) {
        await Promise.all(uuids.slice(from, from + AT_A_TIME).map((uuid) => this.callOffOne(backend, uuid, why)));
      }
    } catch (error) {
      this.dependencies.warn(`Whether what was cancelled waits between two steps could not be seen: such a task ends when it would have gone on. ${messageOf(error)}`);
    }
  }

  /** Whether a task waits between two of its steps, for whoever looks for it. */
  async suspended(uuid: string): Promise<SuspendedFound | undefined> {
    if (!await this.dependencies.mayHold()) return undefined;
    const record = await this.kept(uuid).read(await this.dependencies.backend());
    if (record?.parked === undefined) return undefined;
    return { name: record.task, until: record.parked.until, reason: waitText(record.parked) };
  }

  private async callOffOne(backend: StateBackend, uuid: string, why: string): Promise<void> {
    const record = await this.kept(uuid).change(backend, (found) => (found?.parked === undefined ? undefined : { ...found, calledOff: why }));
    if (record?.parked !== undefined) await this.wake(record);
  }

  /** Where its message is not kept, its copy comes by itself. */
  private async wake({ parked, turn }: StepsRecord): Promise<void> {
    if (parked?.message === undefined) return;
    await this.dependencies.broker.publish(messageFrom(parked.message, turn.wake + 1, randomUUID()), { queue: parked.queue });
  }

  private kept(uuid: string): KeptRecord {
    return new KeptRecord(stepsKey(uuid), this.dependencies.keepMs);
  }
}

function signalling(signal: SignalEntry, room: number): RecordChange {
  return (found) => {
    if (found !== undefined && (found.state === 'ended' || found.calledOff !== undefined || found.signals.has(signal.name) || isLate(found, signal.name))) return undefined;
    const record: StepsRecord = found ?? { ...newRecord('', FIRST_TURN), state: 'unseen' };
    const next = withSignal(record, signal);
    const bytes = encodeRecord(next).length;
    if (bytes <= room) return next;
    throw new StepError(`With the signal "${signal.name}", what is recorded of its task has ${bytes} bytes; at most ${room} are kept of one task. Store the value elsewhere, and signal its key.`, { signal: signal.name, bytes, most: room });
  };
}

function outcomeOf(record: StepsRecord | undefined, { name, id }: SignalEntry): SignalOutcome {
  if (record === undefined || record.state === 'ended' || record.calledOff !== undefined) return 'ended';
  if (record.signals.get(name)?.id !== id) return isLate(record, name) ? 'late' : 'duplicate';
  if (record.parked?.signals.includes(name) === true) return 'delivered';
  return record.state === 'unseen' ? 'unseen' : 'kept';
}

function isLate({ entries }: StepsRecord, name: string): boolean {
  const entry = entries.get(name);
  return entry?.kind === 'wait' && entry.timedOut === true;
}

function checkSignal(uuid: unknown, name: unknown, options: SignalOptions | undefined): void {
  if (requireText(uuid, 'The uuid of the task to signal').length > LONGEST_UUID) throw new ConfigurationError(`The uuid of the task to signal has at most ${LONGEST_UUID} characters; found ${display(uuid)}.`, {});
  checkStepName(name, 'signal');
  checkOptions(options, { by: text(1_000, 0), reason: text(1_000, 0) }, { of: 'signal', example: "{ by: 'ann' }" });
}

function encoded(name: string, value: unknown): string {
  const json = encodeValue(value);
  if ('text' in json) return json.text;
  throw new StepError(`The value of signal "${name}" cannot be sent: ${json.problem}.`, { signal: name });
}
