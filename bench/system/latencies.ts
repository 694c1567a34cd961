/** Collects latencies in milliseconds and tells their percentiles. */
export class Latencies {
  private readonly values: Float64Array;
  private size = 0;

  constructor(capacity: number) {
    this.values = new Float64Array(capacity);
  }

  add(ms: number): void {
    if (this.size < this.values.length) this.values[this.size++] = ms;
  }

  percentiles(): Record<'p50' | 'p99' | 'p999' | 'max', number> {
    const sorted = this.values.slice(0, this.size).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
  }
}
