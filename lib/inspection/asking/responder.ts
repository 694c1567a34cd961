import type { Broker, SignalSubscription } from '../../brokers/broker.js';
import { MOST_BROADCAST_BYTES } from '../../task/broadcasts.js';
import { clock } from '../../time/clock.js';
import { pauseUntil } from '../../time/pause-until.js';
import { makeStopper } from '../../time/stopper.js';
import { within } from '../../time/within.js';
import type { ActionInfo } from '../model.js';
import { type Answer, decodeHandover, decodeQuestion, encode, encodeAnswer, FAREWELLS, type Question, QUESTIONS } from './messages.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const FAREWELL_LIMIT_MS = 500;
/** How much of the process' time answers may take, and how much of it may be saved up. */
const SHARE = 0.05;
const MOST_SAVED_MS = 200;

export interface ResponderDependencies {
  readonly broker: Pick<Broker, 'broadcast' | 'watchBroadcasts'>;
  /** Of this process. */
  readonly id: string;
  readonly answer: (question: Question) => Answer;
  /** What others have done, who do not answer for it. */
  readonly handedOver: (action: ActionInfo) => void;
  /** Whatever else all processes were told. */
  readonly other: (message: Buffer) => void;
  /** Told once while it lasts: nobody hears of this process. */
  readonly problem: (message: string, error: unknown) => void;
}

/** Hears what all processes are asked, and answers for this one, within a share of its time. */
export class Responder {
  private readonly stopping = makeStopper();
  private subscription: SignalSubscription | undefined;
  private wasAsked = false;
  private savedMs = MOST_SAVED_MS;
  private savedAt = clock.elapsed();

  constructor(private readonly dependencies: ResponderDependencies) {}

  /** Until it hears, or is stopped. Never rejects. */
  async start(): Promise<void> {
    const { signal } = this.stopping;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const subscription = await this.dependencies.broker.watchBroadcasts(QUESTIONS, (message) => this.heard(message));
        if (signal.aborted) return await subscription.stop();
        this.subscription = subscription;
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (pauseMs === FIRST_PAUSE_MS) this.dependencies.problem('This process cannot be asked what it does (inspection), and is not seen by others. All else works; it is tried again.', error);
        await pauseUntil(pauseMs, signal);
      }
    }
  }

  /** While the broker can still be used: whoever knows of this process is told that it ends. Never rejects. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const { subscription, dependencies: { broker, id } } = this;
    this.subscription = undefined;
    if (this.wasAsked) await within(FAREWELL_LIMIT_MS, broker.broadcast(FAREWELLS, encode({ process: id })).catch(() => undefined));
    if (subscription !== undefined) await within(FAREWELL_LIMIT_MS, subscription.stop().catch(() => undefined));
  }

  private heard(message: Buffer): void {
    if (this.stopping.signal.aborted) return;
    const question = decodeQuestion(message);
    if (question === undefined) {
      const actions = decodeHandover(message);
      if (actions === undefined) return this.dependencies.other(message);
      for (const action of actions) this.dependencies.handedOver(action);
      return;
    }
    this.wasAsked = true;
    if (question.unless === 'also') return;
    // Who asked does not hear of it, and asks again if it matters.
    this.dependencies.broker.broadcast(question.to, this.answerTo(question)).catch(() => undefined);
  }

  private answerTo(question: Question): Buffer {
    const begun = clock.elapsed();
    this.savedMs = Math.min(MOST_SAVED_MS, this.savedMs + (begun - this.savedAt) * SHARE);
    this.savedAt = begun;
    if (this.savedMs <= 0) return encode({ id: question.id, process: this.dependencies.id, busy: true, items: [] });
    const answer = encodeAnswer(this.dependencies.answer(question), MOST_BROADCAST_BYTES);
    this.savedMs -= clock.elapsed() - begun;
    return answer;
  }
}
