import { AsyncResource } from 'node:async_hooks';
import type { NestInterceptor } from '@nestjs/common';
import type { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/index';
import { from, isObservable, lastValueFrom, Observable, type ObservableInput, type Subscriber } from 'rxjs';

type Intercept = Parameters<InterceptorsConsumer['intercept']>;
type RunHandler = () => Promise<unknown>;

const NOW = Promise.resolve();

/**
 * Runs a handler inside its interceptors as Nest's own consumer does, and a property test compares the two: the same order,
 * one run of what is inside for each subscription, each in the async context in which its `handle()` was called. Nest's
 * makes four Observables, two async resources and ten promises for one interceptor, which is more than all else that a
 * task costs here; this one makes one Observable, one resource and four promises.
 */
export class TaskInterceptors extends InterceptorsConsumer {
  /** Resolves to the last value, or `undefined` where there is none. */
  override intercept<T extends string>(...[interceptors, args, instance, callback, next, type]: [...Intercept, T?]): Promise<unknown> {
    const outermost = interceptors[0];
    if (outermost === undefined) return next();
    const context = this.createContext(args, instance, callback);
    context.setType(type as string);
    const result = new Interception(interceptors, context, next).enter(outermost, 0);
    return isObservable(result) ? lastOf(result) : Promise.resolve(result).then(lastOf);
  }
}

/** One run of a handler inside its interceptors. */
class Interception {
  constructor(private readonly interceptors: readonly NestInterceptor[], private readonly context: ExecutionContextHost, private readonly run: RunHandler) {}

  enter(interceptor: NestInterceptor, index: number): Observable<unknown> | Promise<Observable<unknown>> {
    return interceptor.intercept(this.context, { handle: () => this.inside(index + 1) });
  }

  /** What stands inside, as an Observable that does nothing before it is subscribed to, and everything again each time. */
  private inside(index: number): Observable<unknown> {
    // An interceptor may call `handle()` inside an AsyncLocalStorage, and return what is subscribed to outside of it.
    const scope = new AsyncResource('TaskInterceptor');
    return new Observable((subscriber) => {
      const interceptor = this.interceptors[index];
      if (interceptor === undefined) this.startHandler(subscriber, scope);
      else this.startInterceptor(subscriber, scope, interceptor, index);
    });
  }

  private startInterceptor(subscriber: Subscriber<unknown>, scope: AsyncResource, interceptor: NestInterceptor, index: number): void {
    // By way of a promise in any case: whoever subscribes is never told before `subscribe` has returned.
    new Promise<ObservableInput<unknown>>((resolve) => resolve(scope.runInAsyncScope(() => this.enter(interceptor, index))))
      .then((result) => { if (!subscriber.closed) passOn(result, subscriber); })
      .catch((error: unknown) => subscriber.error(error));
  }

  private startHandler(subscriber: Subscriber<unknown>, scope: AsyncResource): void {
    // Not at once: whoever unsubscribes at once has not asked for it to be run.
    NOW.then(() => (subscriber.closed ? undefined : scope.runInAsyncScope(this.run))).then((value) => {
      if (subscriber.closed) return;
      if (isObservable(value)) return passOn(value, subscriber);
      subscriber.next(value);
      subscriber.complete();
    }).catch((error: unknown) => subscriber.error(error));
  }
}

/**
 * `from` also takes an Observable of another copy of rxjs, and refuses what is none. As with `mergeAll`, what is inside has
 * been let go of before those outside hear that it is complete: it matters where it ends early, as by `take(1)`.
 */
function passOn(source: ObservableInput<unknown>, subscriber: Subscriber<unknown>): void {
  let completed = false;
  const inner = from(source).subscribe({
    next: (value) => subscriber.next(value),
    error: (error: unknown) => subscriber.error(error),
    complete: () => { completed = true; },
  });
  subscriber.add(inner);
  inner.add(() => { if (completed) subscriber.complete(); });
}

function lastOf(result: ObservableInput<unknown>): Promise<unknown> {
  return lastValueFrom(from(result), { defaultValue: undefined });
}
