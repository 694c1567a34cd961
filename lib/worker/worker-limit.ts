import { ConfigurationError } from '../errors.js';

/** @throws ConfigurationError for what is no limit of a worker */
export function checkWorkerLimit(worker: string, limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return;
  throw new ConfigurationError(`The limit of worker "${worker}" must be a whole number from 1; found ${String(limit)}. To run nothing for a while, pause or close the worker.`, { worker, limit });
}
