import type { Delivery } from '../brokers/broker.js';
import { Header } from '../task/headers.js';
import type { Task } from '../task/task.js';

/**
 * Where results of a task are sent to. What other systems name there waits for something else than our reports: there it
 * counts only where one of us has asked.
 */
export function replyToOf({ properties }: Pick<Delivery, 'properties'>, task: { readonly arrived?: Task['arrived'] | undefined }): string | undefined {
  return task.arrived === undefined || properties.headers?.[Header.result] === true ? properties.replyTo : undefined;
}
