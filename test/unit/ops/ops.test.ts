import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { resolveConfig } from '../../../lib/dispatcher/config/resolve-config.js';
import { prometheusName, underscored } from '../../../lib/prometheus/prometheus-name.js';
import { Label, METRICS, type MetricDefinition } from '../../../lib/telemetry/metric-table.js';
import { noPrometheus, promtool } from '../../support/prometheus.js';

interface Probe { httpGet: { path: string; port: string }; periodSeconds: number; failureThreshold: number }
interface Container { ports: { name: string; containerPort: number }[]; lifecycle: { preStop: { exec: { command: string[] } } }; startupProbe: Probe; livenessProbe: Probe; readinessProbe: Probe }
interface Deployment { kind: string; metadata: { name: string }; spec: { selector: { matchLabels: object }; template: { metadata: { labels: object; annotations: Record<string, string> }; spec: { terminationGracePeriodSeconds: number; containers: [Container] } } } }
interface ScaledObject { spec: { scaleTargetRef: { name: string }; triggers: { type: string; name: string; metadata: { query: string; threshold: string } }[] } }
interface Panel { id: number; title: string; type: string; gridPos: { x: number; y: number; w: number; h: number }; targets?: { expr: string }[] }
interface Rule { alert: string; expr: string; labels: { severity: string }; annotations: { summary: string; description: string } }

const yamlOf = <T>(file: string): T => parse(readFileSync(`ops/${file}`, 'utf8')) as T;
const rules = yamlOf<{ groups: [{ rules: Rule[] }] }>('alerts.yaml').groups[0].rules;
const dashboard = JSON.parse(readFileSync('ops/grafana-dashboard.json', 'utf8')) as { panels: Panel[]; templating: { list: { name: string }[] } };
const documents = parseAllDocuments(readFileSync('ops/kubernetes/worker.yaml', 'utf8')).map((document) => document.toJS() as Deployment);
const scaled = yamlOf<ScaledObject>('kubernetes/scaled-object.yaml');

/** All series that there are, histograms with their three. */
const SERIES = new Set(Object.values(METRICS).flatMap((metric: MetricDefinition) => {
  const name = prometheusName(metric);
  return metric.kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name];
}));
const LABELS = new Set([...Object.values(Label).map(underscored), 'le', 'instance', 'alertname']);

const panelExpressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const EXPRESSIONS = [...rules.map(({ expr }) => expr), ...panelExpressions, ...scaled.spec.triggers.map(({ metadata: { query } }) => query)];

describe('what is in ops/', () => {
  it.each(EXPRESSIONS)('asks for metrics and labels that there are: %s', (expr) => {
    const names = expr.match(/\b(dispatcher|messaging)_[a-z_]+/g) ?? [];
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(SERIES.has(name) || LABELS.has(name), name).toBe(true);
  });

  it('leaves no metric out of the dashboard', () => {
    const shown = panelExpressions.join('\n');
    expect(Object.values(METRICS).map(prometheusName).filter((name) => !shown.includes(name))).toEqual([]);
  });

  it('has alerts that say what to do, each once', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { labels: { severity }, annotations: { summary, description } } of rules) {
      expect(['critical', 'warning', 'info']).toContain(severity);
      expect(Math.min(summary.length, description.length)).toBeGreaterThan(20);
    }
  });

  it('has panels beside each other, and none over another', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`));
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'dispatcher', 'queue']);
  });
});

describe('the manifests', () => {
  const [deployment, budget] = documents;
  const { spec: { selector, template: { metadata, spec } } } = deployment!;
  const [container] = spec.containers;
  const { shutdownTimeoutMs, startupTimeoutMs } = resolveConfig({ exchange: 'e', defaultRoutingKey: 'key' }, {});

  it('belong together', () => {
    expect([deployment?.kind, budget?.kind]).toEqual(['Deployment', 'PodDisruptionBudget']);
    expect(metadata.labels).toEqual(selector.matchLabels);
    expect(budget?.spec.selector).toEqual(selector);
    expect(scaled.spec.scaleTargetRef.name).toBe(deployment?.metadata.name);
    expect(container.ports.map(({ containerPort }) => String(containerPort))).toContain(metadata.annotations['prometheus.io/port']);
    for (const { httpGet: { port } } of [container.startupProbe, container.livenessProbe, container.readinessProbe]) expect(container.ports.map(({ name }) => name)).toContain(port);
  });

  it('give a worker the time that it takes by default to end, and to start', () => {
    const [, seconds] = container.lifecycle.preStop.exec.command;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(seconds) + shutdownTimeoutMs / 1_000 + 5);
    expect(container.startupProbe.periodSeconds * container.startupProbe.failureThreshold).toBeGreaterThanOrEqual(startupTimeoutMs / 1_000 + 15);
  });

  it('ask liveness of what is not restarted for an outage, and readiness of what is', () => {
    expect([container.startupProbe, container.livenessProbe, container.readinessProbe].map(({ httpGet: { path } }) => path)).toEqual(['/health/live', '/health/live', '/health/ready']);
  });

  it('scale by backlog and age', () => {
    expect(scaled.spec.triggers.map(({ type, name }) => [type, name])).toEqual([['prometheus', 'backlog'], ['prometheus', 'age']]);
    for (const { metadata: { threshold } } of scaled.spec.triggers) expect(Number(threshold)).toBeGreaterThan(0);
  });
});

describe.skipIf(noPrometheus !== undefined)(`to promtool${noPrometheus === undefined ? '' : ` (${noPrometheus})`}`, () => {
  let folder: string;
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'dispatcher-ops-')); });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('the alert rules are rules', () => {
    expect(promtool(['check', 'rules', 'ops/alerts.yaml'])).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  it('the alerts fire when they should', () => {
    expect(promtool(['test', 'rules', 'ops/alerts.test.yaml'])).toContain('SUCCESS');
  });

  it('what the dashboard and KEDA ask is PromQL', () => {
    const asked = [...panelExpressions, ...scaled.spec.triggers.map(({ metadata: { query } }) => query)].map((expr, index) => (
      { record: `asked:${index}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(dispatcher|queue)/g, '.*') }));
    const file = join(folder, 'asked.yaml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'asked', rules: asked }] }));
    expect(promtool(['check', 'rules', file])).toContain(`SUCCESS: ${asked.length} rules found`);
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'asked', rules: [{ record: 'a', expr: 'sum(' }] }] }));
    expect(() => promtool(['check', 'rules', file])).toThrow();
  });
});
