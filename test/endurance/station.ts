import { TcpProxy } from '../support/tcp-proxy.js';
import { pause } from '../support/wait.js';
import type { Account } from './account.js';
import { AppProcess } from './app-process.js';
import type { AppConfig } from './protocol.js';

const BETWEEN_STARTS_MS = 300;
/** What a process may take beside the shutdown's own limit, on a busy machine. */
const EXIT_MARGIN_MS = 45_000;
/** In which a connection is made again after its line was broken, on a busy machine. */
const RECOVERY_MS = 3_000;
const LONGEST_LIFE_MS = 24 * 3_600_000;

/**
 * A place for one process, as an orchestrator keeps it: when its process ends, in whatever way, the next one is started.
 * Its line to the server is its own, and can be cut.
 */
export class Station {
  starts = 0;
  /** Ends that nobody had asked for, beside those of a task that kills its process. */
  readonly surprises: string[] = [];
  private process: AppProcess;
  private closed = false;
  /** What breaks its line now, and when it was broken last. */
  private breaks = 0;
  private brokenAt = -Infinity;
  private over: Promise<void>;

  private constructor(readonly proxy: TcpProxy, private readonly url: string, private readonly config: () => AppConfig, private readonly account: Account) {
    this.process = this.start();
    this.over = this.keepRunning();
  }

  static async open(serverUrl: string, config: (url: string) => AppConfig, account: Account): Promise<Station> {
    const { proxy, url } = await TcpProxy.before(serverUrl);
    // Noticed within some seconds that nobody answers any more.
    return new Station(proxy, url, () => config(`${url}?heartbeat=5`), account);
  }

  get now(): AppProcess {
    return this.process;
  }

  /** SIGTERM; the next process follows by itself. Resolves when the old one has ended; nothing happens to one that starts or ends. */
  async deploy(deadlineMs: number): Promise<void> {
    const { process } = this;
    if (!process.isReady || process.isStopping) return;
    process.terminate();
    try {
      await process.ended(deadlineMs + EXIT_MARGIN_MS);
    } catch (error) {
      this.surprises.push(`A process was told to end within ${deadlineMs} ms and did not: ${(error as Error).message}`);
      process.kill9();
    }
  }

  kill9(): void {
    this.process.kill9();
  }

  /** While this goes on, and a moment longer, its process cannot count on the server. */
  async broken(trouble: () => Promise<void>): Promise<void> {
    this.breaks++;
    try {
      await trouble();
    } finally {
      this.breaks--;
      this.brokenAt = performance.now() + RECOVERY_MS;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.process.kill9();
    await this.over;
    await this.proxy.close();
  }

  private start(): AppProcess {
    this.starts++;
    return new AppProcess(this.config(), this.account, (since) => this.breaks > 0 || this.brokenAt >= since);
  }

  private async keepRunning(): Promise<void> {
    for (;;) {
      const { process } = this;
      const { code, signal, inOrder } = await process.ended(LONGEST_LIFE_MS);
      // It may end with an error where it was started while its server was away.
      if (signal !== 'SIGKILL' && (inOrder ? code !== 0 : process.isReady)) {
        this.surprises.push(`A process ended with ${signal ?? `code ${code}`}${inOrder ? ' when told to' : ''}: ${process.stderr.slice(-1_000)}`);
      }
      if (!this.closed) await pause(BETWEEN_STARTS_MS);
      // It may have been closed meanwhile: what is started then nobody would end.
      if (this.closed) return;
      this.process = this.start();
    }
  }
}
