import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

/** Why there is no Prometheus here, for the title of what is skipped; absent where there is one. */
export const noPrometheus = findServer('prometheus') === undefined || findServer('promtool') === undefined
  ? 'Found no prometheus and promtool on this machine. Install them: apt-get install prometheus' : undefined;

/** What promtool says; throws with that where it finds fault. */
export function promtool(args: readonly string[], input?: string): string {
  return execFileSync(findServer('promtool') ?? 'promtool', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

export interface Sample { readonly metric: Readonly<Record<string, string>>; readonly value: number }

/** A Prometheus of the test's own that scrapes one address every 2 s, with the alert rules of `ops/`. */
export class PrometheusServer {
  private constructor(private readonly port: number, private readonly folder: string, private readonly server: PrivateServer) {}

  static async start(target: string, path = '/metrics'): Promise<PrometheusServer> {
    const [port] = await freePorts(1);
    const folder = temporaryFolder('prometheus');
    const config = { global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' }, rule_files: [resolve('ops/alerts.yaml')], scrape_configs: [{ job_name: 'app', metrics_path: path, static_configs: [{ targets: [target] }] }] };
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'];
    const isUp = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok;
    const prometheus = new PrometheusServer(port, folder, new PrivateServer(findServer('prometheus') ?? 'prometheus', args, isUp, folder));
    await prometheus.server.start();
    return prometheus;
  }

  /** What an expression is now. */
  async query(expr: string): Promise<Sample[]> {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const { status, data, error } = await response.json() as { status: string; error?: string; data?: { result: { metric: Record<string, string>; value: [number, string] }[] } };
    if (status !== 'success' || data === undefined) throw new Error(`Prometheus says to ${expr}: ${String(error)}`);
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}
