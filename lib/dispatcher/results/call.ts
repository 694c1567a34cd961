import { Observable, type Subscription } from 'rxjs';
import type { PublishedTask } from '../publishing/published-task.js';
import type { Report } from './reports.js';

/** Publishes for each subscriber; one that leaves is told nothing more. */
export function callOf(publish: () => Promise<PublishedTask>, withdraw: (uuid: string) => void): Observable<Report> {
  return new Observable<Report>((subscriber) => {
    let reports: Subscription | undefined;
    let uuid: string | undefined;
    publish().then((published) => {
      uuid = published.uuid;
      // It left while the task was on its way out.
      if (subscriber.closed) return withdraw(uuid);
      // Not the subscriber itself: it would withdraw before it has left.
      reports = published.reports().subscribe({
        next: (report) => subscriber.next(report), error: (error: unknown) => subscriber.error(error), complete: () => subscriber.complete(),
      });
    }).catch((error: unknown) => subscriber.error(error));
    return () => {
      reports?.unsubscribe();
      if (uuid !== undefined) withdraw(uuid);
    };
  });
}
