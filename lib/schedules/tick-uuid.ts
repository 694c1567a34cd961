import { v5 } from 'uuid';

const NAMESPACE = 'd0e1c2a4-3b52-5f0e-9c66-6f1f6a5b7a10';

/** The uuid of the task of one tick: the same whoever publishes it. */
export function tickUuid(exchange: string, schedule: string, tick: number): string {
  return v5(JSON.stringify([exchange, schedule, tick]), NAMESPACE);
}
