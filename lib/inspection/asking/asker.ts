import { randomUUID } from 'node:crypto';
import type { Broker } from '../../brokers/broker.js';
import { BrokerRefusedError, ShutdownError } from '../../errors.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { ProcessInfo } from '../model.js';
import { KnownProcesses } from './known-processes.js';
import { Listening } from './listening.js';
import { type Answer, answersTopic, decodeAnswer, decodeFarewell, encode, type Kind, type Question, QUESTIONS } from './messages.js';

/** While somebody looks, all are asked so often whether they live. */
const PULSE_MS = 2_500;
/** Somebody looks for so long after a question. */
const LOOKING_MS = 30_000;
/** Of a process. */
const MOST_RUNNING = 100;
/** For so long answers to an old question still say who lives. */
const LATE_MS = 15_000;

interface Asked {
  readonly kind: Kind;
  readonly at: number;
  /** Only their answers are waited for. Default: those of all who are known. */
  readonly of: readonly string[] | undefined;
  readonly answers: Map<string, Answer>;
  done: (() => void) | undefined;
}

export type Asking<K extends Kind> = Pick<Question<K>, 'kind' | 'filter' | 'uuids' | 'actions' | 'limit' | 'also' | 'unless'>;

export interface AskerDependencies {
  readonly broker: Pick<Broker, 'broadcast' | 'watchBroadcasts'>;
  /** Of this process. */
  readonly id: string;
  /** This process' own answer, for when the broker does not bring it; `undefined` where it tells nothing. */
  readonly own: (question: Question) => Answer | undefined;
  readonly now: () => number;
}

/** Asks all processes of the exchange, and remembers who has ever answered. */
export class Asker {
  readonly known = new KnownProcesses();
  private readonly topic = answersTopic(randomUUID());
  private readonly listening: Listening;
  private readonly asked = new Map<string, Asked>();
  /** Everybody has had the time to answer once, so that whoever lives is known. */
  private discovered = false;
  private lookingUntil = 0;
  /** When all were asked last whether they live. */
  private pulsedAt = -Infinity;
  private pulse: ClockTimer | undefined;
  private closed = false;

  constructor(private readonly dependencies: AskerDependencies) {
    this.listening = new Listening(dependencies.broker, this.topic, { answer: (message) => this.heard(message), farewell: (message) => this.farewell(message) });
  }

  /**
   * What all have answered by the time that everybody who is known has, or `timeoutMs` are over. While the broker is away,
   * this process alone.
   *
   * @param of whom an answer is expected of, where others will be silent
   * @throws BrokerRefusedError where the user may not ask; ShutdownError
   */
  async ask<K extends Kind>(asking: Asking<K>, timeoutMs: number, of?: readonly string[]): Promise<Answer<K>[]> {
    if (this.closed) throw new ShutdownError('The dispatcher is closing; nobody is asked any more.');
    this.lookingUntil = this.dependencies.now() + LOOKING_MS;
    const answers = await this.round(asking, timeoutMs, of);
    this.schedulePulse();
    return answers as Answer<K>[];
  }

  /** Of this process alone: nothing is sent. */
  askOwn<K extends Kind>(asking: Asking<K>): Answer<K>[] {
    const answer = this.dependencies.own({ id: randomUUID(), to: this.topic, ...asking });
    return answer === undefined ? [] : [answer as Answer<K>];
  }

  async close(): Promise<void> {
    this.closed = true;
    clock.clear(this.pulse);
    for (const { done } of this.asked.values()) done?.();
    await this.listening.stop();
  }

  private async round(asking: Asking<Kind>, timeoutMs: number, of?: readonly string[]): Promise<Answer[]> {
    const question: Question = { id: randomUUID(), to: this.topic, ...asking };
    const asked: Asked = { kind: question.kind, at: this.dependencies.now(), of, answers: new Map(), done: undefined };
    this.forgetOld(asked.at);
    if (asked.kind === 'processes') this.pulsedAt = asked.at;
    this.asked.set(question.id, asked);
    try {
      await this.listening.start();
      await this.dependencies.broker.broadcast(QUESTIONS, encode(question));
    } catch (error) {
      this.asked.delete(question.id);
      if (error instanceof BrokerRefusedError) throw error;
      if (of === undefined) this.addOwn(question, asked);
      return [...asked.answers.values()];
    }
    if (!this.closed) await this.answersOf(asked, timeoutMs);
    if (of !== undefined) return [...asked.answers.values()];
    this.discovered = true;
    // Where nobody was heard, not even this process, it is the broker that is silent.
    if (asked.answers.size > 0) this.known.asked(asked.at, new Set(asked.answers.keys()));
    this.addOwn(question, asked);
    return [...asked.answers.values()];
  }

  /** Also where the broker did not carry it: this process may not hear questions yet, or not now. */
  private addOwn(question: Question, asked: Asked): void {
    const answer = asked.answers.has(this.dependencies.id) ? undefined : this.dependencies.own(question);
    if (answer !== undefined) this.take(answer, asked);
  }

  private answersOf(asked: Asked, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clock.clear(timer);
        asked.done = undefined;
        resolve();
      };
      const timer = clock.setAnswerTimeout(done, timeoutMs);
      asked.done = done;
      this.endIfComplete(asked);
    });
  }

  private endIfComplete(asked: Asked): void {
    if (asked.done === undefined || (asked.of === undefined && !this.discovered)) return;
    const awaited = asked.of ?? this.known.awaited(this.dependencies.now());
    if (awaited.length > 0 && awaited.every((id) => asked.answers.has(id))) asked.done();
  }

  private heard(message: Buffer): void {
    const answer = decodeAnswer(message, (id) => this.asked.get(id)?.kind);
    const asked = answer && this.asked.get(answer.id);
    if (answer === undefined || asked === undefined) return;
    this.take(answer, asked);
    this.endIfComplete(asked);
  }

  private take(answer: Answer, asked: Asked): void {
    this.known.answered(answer.process, this.dependencies.now(), asked.kind === 'processes' ? infoIn(answer) : undefined);
    asked.answers.set(answer.process, answer);
  }

  private farewell(message: Buffer): void {
    const id = decodeFarewell(message);
    if (id === undefined) return;
    this.known.saidFarewell(id, this.dependencies.now());
    for (const asked of this.asked.values()) this.endIfComplete(asked);
  }

  private forgetOld(now: number): void {
    for (const [id, { at, done }] of this.asked) if (done === undefined && now - at > LATE_MS) this.asked.delete(id);
  }

  /** So that whoever dies is missed in time, also where nobody asks about processes. */
  private schedulePulse(): void {
    if (this.closed || this.pulse !== undefined) return;
    this.pulse = clock.setTimeout(() => void this.beat(), PULSE_MS).unref();
  }

  private async beat(): Promise<void> {
    const looksStill = (): boolean => this.dependencies.now() < this.lookingUntil;
    if (looksStill()) {
      // Whoever looks often has just asked.
      if (this.dependencies.now() - this.pulsedAt >= PULSE_MS) await this.round({ kind: 'processes' }, PULSE_MS / 2).catch(() => undefined);
    } else {
      // Who comes and goes from now on is not heard of.
      this.discovered = false;
      await this.listening.stop();
    }
    this.pulse = undefined;
    if (looksStill()) this.schedulePulse();
  }
}

/** What it tells of itself, with what it runs, wherever in the answer that stands. */
function infoIn({ process, items, also }: Answer): ProcessInfo | undefined {
  const info = (items as readonly ProcessInfo[]).find(({ id }) => id === process);
  return info === undefined || also?.running === undefined ? info : { ...info, running: also.running.slice(0, MOST_RUNNING).map(({ args: _args, ...rest }) => rest) };
}
