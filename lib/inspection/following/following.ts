import { Observable, type Subscriber } from 'rxjs';
import { checkFollowFilter, type FollowFilter } from './follow-filter.js';
import { Follow, type FollowingDependencies } from './follow.js';
import type { FollowedEvent } from './followed-event.js';

/** Follows the events of all processes, for whoever wants to know. */
export class Following {
  private readonly follows = new Map<Follow, Subscriber<FollowedEvent>>();
  private isClosed = false;

  constructor(private readonly dependencies: FollowingDependencies) {}

  /** Begins when it is subscribed to. @throws ConfigurationError for what is no filter */
  events(filter?: FollowFilter): Observable<FollowedEvent> {
    const checked = checkFollowFilter(filter);
    return new Observable((subscriber) => {
      if (this.isClosed) return subscriber.complete();
      const follow = new Follow({
        ...this.dependencies, filter: checked, next: (event) => subscriber.next(event), failed: (error) => subscriber.error(error),
      });
      this.follows.set(follow, subscriber);
      return () => {
        this.follows.delete(follow);
        void follow.stop();
      };
    });
  }

  /** Completes what is followed, and tells others that nobody follows any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    const follows = [...this.follows];
    for (const [, subscriber] of follows) subscriber.complete();
    await Promise.all(follows.map(([follow]) => follow.stop()));
  }
}
