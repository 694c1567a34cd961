export const HOUR_MS = 3_600_000;

/** The set in which the tasks stand that ended in this hour since 1970. */
export function hourKey(exchange: string, hour: number): string {
  return `inspection-history:${exchange}:${hour}`;
}

export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS);
}
