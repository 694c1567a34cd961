import { Observable, Subscriber, type Observer, type Subscription } from 'rxjs';
import { watchRejection } from '../../task/rejections.js';

type Handlers<T> = Partial<Observer<T>> | ((value: T) => void) | null;

/**
 * Events, as an Observable whose listeners cannot hurt: what one throws goes to the log, not to the process, and
 * the others go on, and so is it with the promise of an async one. That holds for those who subscribe here; behind operators rxjs has its own rules.
 */
export class EventStream<T> extends Observable<T> {
  constructor(events: Observable<T>, private readonly onListenerError: (error: unknown) => void) {
    super((subscriber) => events.subscribe(subscriber));
  }

  override subscribe(observerOrNext?: Handlers<T>, error?: ((error: unknown) => void) | null, complete?: (() => void) | null): Subscription {
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const given = typeof observerOrNext === 'function' ? { next: observerOrNext } : observerOrNext ?? {};
    const observer: Partial<Observer<T>> = { error: error ?? undefined, complete: complete ?? undefined, ...given };
    return super.subscribe({
      next: (value) => this.guarded(() => observer.next?.(value)),
      error: (problem) => this.guarded(() => observer.error?.(problem)),
      complete: () => this.guarded(() => observer.complete?.()),
    });
  }

  private guarded(tell: () => unknown): void {
    try {
      watchRejection(tell(), this.onListenerError);
    } catch (error) {
      this.onListenerError(error);
    }
  }
}
