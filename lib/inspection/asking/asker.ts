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
/** For so long answers to an old question still say who lives. */
const LATE_MS = 15_000;

interface Asked {
  readonly kind: Kind;
  readonly at: number;
  readonly answers: Map<string, Answer>;
  done: (() => void) | undefined;
}

export type Asking<K extends Kind> = Pick<Question<K>, 'kind' | 'filter' | 'uuids' | 'actions' | 'limit'>;

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
  private pulse: ClockTimer | undefined;
  private closed = false;

  constructor(private readonly dependencies: AskerDependencies) {
    this.listening = new Listening(dependencies.broker, this.topic, { answer: (message) => this.heard(message), farewell: (message) => this.farewell(message) });
  }

  /**
   * What all have answered by the time that everybody who is known has, or `timeoutMs` are over. While the broker is away,
   * this process alone.
   *
   * @throws BrokerRefusedError where the user may not ask; ShutdownError
   */
  async ask<K extends Kind>(asking: Asking<K>, timeoutMs: number): Promise<Answer<K>[]> {
    if (this.closed) throw new ShutdownError('The dispatcher is closing; nobody is asked any more.');
    this.lookingUntil = this.dependencies.now() + LOOKING_MS;
    const answers = await this.round(asking, timeoutMs);
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

  private async round(asking: Asking<Kind>, timeoutMs: number): Promise<Answer[]> {
    const question: Question = { id: randomUUID(), to: this.topic, ...asking };
    const asked: Asked = { kind: question.kind, at: this.dependencies.now(), answers: new Map(), done: undefined };
    this.forgetOld(asked.at);
    this.asked.set(question.id, asked);
    try {
      await this.listening.start();
      await this.dependencies.broker.broadcast(QUESTIONS, encode(question));
    } catch (error) {
      this.asked.delete(question.id);
      if (error instanceof BrokerRefusedError) throw error;
      this.addOwn(question, asked);
      return [...asked.answers.values()];
    }
    if (!this.closed) await this.answersOf(asked, timeoutMs);
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
    if (asked.done === undefined || !this.discovered) return;
    const awaited = this.known.awaited(this.dependencies.now());
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
    const info = asked.kind === 'processes' ? (answer.items as readonly ProcessInfo[]).find(({ id }) => id === answer.process) : undefined;
    this.known.answered(answer.process, this.dependencies.now(), info);
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
      await this.round({ kind: 'processes' }, PULSE_MS / 2).catch(() => undefined);
    } else {
      // Who comes and goes from now on is not heard of.
      this.discovered = false;
      await this.listening.stop();
    }
    this.pulse = undefined;
    if (looksStill()) this.schedulePulse();
  }
}
