import type { ProcessInfo } from '../model.js';

/** For so long one may leave questions unanswered. With the pauses between questions it is lost within 15 s. */
export const SILENT_MS = 8_000;
const LOST_KEPT_MS = 3_600_000;
/** Who has said farewell: what it has answered before may come after that. */
const GONE_KEPT_MS = 60_000;
const MOST_KNOWN = 5_000;

interface Known {
  info: ProcessInfo | undefined;
  seenAt: number;
  /** When the first of the questions was asked that it has not answered. */
  silentSince: number | undefined;
}

/** Which processes have answered somebody here, and what has become of them. Time is an argument. */
export class KnownProcesses {
  private readonly known = new Map<string, Known>();
  private readonly gone = new Map<string, number>();

  answered(id: string, now: number, info?: ProcessInfo): void {
    if (this.gone.has(id)) return;
    const known = this.known.get(id);
    if (known === undefined && this.known.size >= MOST_KNOWN) return;
    this.known.set(id, { info: info ?? known?.info, seenAt: now, silentSince: undefined });
  }

  saidFarewell(id: string, now: number): void {
    this.known.delete(id);
    if (this.gone.size < MOST_KNOWN) this.gone.set(id, now);
  }

  /** A question has had its time. Only where the broker is known to have carried it, whoever was silent is to blame. */
  asked(at: number, heard: ReadonlySet<string>): void {
    for (const [id, known] of this.known) if (!heard.has(id)) known.silentSince ??= at;
  }

  /** Those from whom an answer is to be expected. */
  awaited(now: number): string[] {
    return [...this.known].filter(([, known]) => !isLost(known, now)).map(([id]) => id);
  }

  /** Those of whom more is known than that they answer. */
  list(now: number): ProcessInfo[] {
    this.forget(now);
    return [...this.known.values()].flatMap((known) => (known.info === undefined ? [] : [{ ...known.info, status: isLost(known, now) ? 'lost' as const : 'alive' as const, seenAt: known.seenAt }]));
  }

  private forget(now: number): void {
    for (const [id, at] of this.gone) if (now - at > GONE_KEPT_MS) this.gone.delete(id);
    for (const [id, known] of this.known) if (isLost(known, now) && now - known.seenAt > LOST_KEPT_MS) this.known.delete(id);
  }
}

function isLost({ silentSince }: Known, now: number): boolean {
  return silentSince !== undefined && now - silentSince >= SILENT_MS;
}
