import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Endpoint, parseEndpoint } from '../../amqp/endpoint.js';
import { classifyConnectionFailure } from '../../amqp/connection-failure.js';
import { BrokerUnavailableError, DispatcherError } from '../../errors.js';
import { withAbsoluteFolder } from '../../dispatcher/config/working-folder.js';
import { Secret } from '../../urls/secret.js';
import { embeddedFindings } from '../doctor/embedded.js';
import { type Finding, type FindingStatus, ok, problem } from '../doctor/finding.js';
import { policyFindings } from '../doctor/policies.js';
import { Probe } from '../doctor/probe.js';
import { exchangeFinding, queueFindings } from '../doctor/queues.js';
import { examineRedis } from '../doctor/redis/examine-redis.js';
import { type DoctorRole, rightFindings } from '../doctor/rights.js';
import { alarmFinding, consumerTimeoutFinding, versionFinding } from '../doctor/server.js';
import { temporaryQueueFindings } from '../doctor/temporary-queues.js';
import { ExitCode } from '../exit-code.js';
import { RefusedError } from '../failures.js';
import { seconds } from '../options.js';
import { listArgument, option, type Answer, type Verb, type VerbCall, type VerbContext } from '../verb.js';

const HEARTBEAT_SECONDS = 15;
const MARKS: Readonly<Record<FindingStatus, string>> = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM', unknown: 'unknown' };

export const doctor: Verb = {
  name: 'doctor',
  summary: 'check the broker, the rights and the queues, and say what is wrong and what to type',
  notes: [
    'It takes no message and changes no queue. On RabbitMQ it makes queues of its own for some questions, <exchange>.doctor.v1.*, which are gone afterwards; others are put so that the server refuses them, which its log shows. On Redis it writes one key of its own, which is gone afterwards.',
    'What the broker alone cannot tell is said, with the command that can.',
  ],
  arguments: [{ name: '[queues...]', about: 'names of work queues; default: "queues" of the configuration' }],
  options: [
    { flags: '--role <role>', about: 'whose rights are checked: of an application that does everything, or of one that only publishes', choices: ['both', 'publisher'], fallback: 'both' },
    { flags: '--longest-task <duration>', about: 'the longest timeoutSeconds, or duration, of any task', parse: seconds },
    { flags: '--policies <file>', about: 'what `rabbitmqctl list_policies -p / --formatter json` has printed' },
  ],
  examples: [
    ['doctor orders mail', 'everything about two queues'],
    ['doctor --role publisher --json', 'before the deployment of a publisher'],
    ['doctor orders --policies policies.json', 'with the policies too'],
  ],
  run: examine,
};

async function examine(context: VerbContext, call: VerbCall): Promise<Answer> {
  const { settings, terminal } = context;
  const named = listArgument(call, 0);
  const queues = [...new Set(named.length > 0 ? named : settings.queues)];
  const url = withAbsoluteFolder(settings.broker.reveal(), terminal.folder);
  if (/^embedded:/i.test(url)) return answerOf(await examineFolder(context, url));
  if (/^redis/i.test(url)) {
    const { findings, failed } = await examineRedis(url, settings, queues, option<number>(call, 'longestTask'), context.signal);
    return answerOf(findings, failed === undefined ? undefined : failed === 'refused' ? ExitCode.forbidden : ExitCode.unreachable);
  }
  try {
    return answerOf(await examineServer(context, call, url, queues));
  } catch (error) {
    const failure = isOwn(error) ? error : classifyConnectionFailure(error, endpointOf(context, url).display);
    if (!(failure instanceof DispatcherError)) throw error;
    const isAway = failure instanceof BrokerUnavailableError;
    return answerOf([problem('connection', failure.message, isAway ? 'See whether it runs and listens: rabbitmq-diagnostics listeners; nc -vz HOST PORT.' : 'rabbitmqctl authenticate_user USER PASSWORD; rabbitmqctl list_vhosts; rabbitmqctl list_permissions -p VHOST')],
      isAway ? ExitCode.unreachable : ExitCode.forbidden);
  }
}

function isOwn(error: unknown): boolean {
  return error instanceof RefusedError || (error instanceof Error && error.name === 'UsageError');
}

function endpointOf({ settings }: VerbContext, url: string): Endpoint {
  return parseEndpoint(url, settings.secureConnection || settings.tlsConfig.reveal() !== undefined, HEARTBEAT_SECONDS);
}

async function examineServer(context: VerbContext, call: VerbCall, url: string, queues: readonly string[]): Promise<Finding[]> {
  const { settings, signal, terminal } = context;
  const { exchange } = settings;
  const policies = policiesOf(call, terminal.folder);
  const endpoint = endpointOf(context, url);
  const probe = await Probe.open(endpoint, settings, signal);
  try {
    const alarm = await withSecond(endpoint, context, alarmFinding);
    const findings = [ok('connection', `Connected to ${endpoint.display} as "${endpoint.username}".`), versionFinding(probe), alarm, await exchangeFinding(probe, exchange)];
    // Under an alarm the server reads nothing more from a connection that has published.
    if (alarm.status === 'ok') {
      findings.push(...await rightFindings(probe, exchange, queues, option<DoctorRole>(call, 'role') ?? 'both'));
      findings.push(...await temporaryQueueFindings(probe, exchange, () => Date.now()));
    }
    findings.push(...await queueFindings(probe, exchange, queues), consumerTimeoutFinding(settings.consumerTimeoutSeconds, option(call, 'longestTask')));
    if (policies !== undefined) findings.push(...policyFindings(policies, endpoint.vhost, exchange, queues));
    return findings;
  } finally {
    await probe.close();
  }
}

async function withSecond(endpoint: Endpoint, { settings, signal }: VerbContext, use: (probe: Probe) => Promise<Finding>): Promise<Finding> {
  const probe = await Probe.open(endpoint, settings, signal);
  return use(probe).finally(() => probe.close());
}

async function examineFolder(context: VerbContext, url: string): Promise<Finding[]> {
  const { findings, usable } = embeddedFindings(url);
  if (!usable) return findings;
  const { broker } = await context.open({ ...context.settings, broker: new Secret(url) });
  const delayed = await broker.delayedCount();
  return [...findings, ok('messages', `The folder can be opened; ${delayed} tasks are delayed. Server, rights, policies and timeouts there are none, and one clock.`)];
}

function policiesOf(call: VerbCall, folder: string): string | undefined {
  const file = option<string>(call, 'policies');
  if (file === undefined) return undefined;
  const path = resolve(folder, file);
  if (!existsSync(path)) throw new RefusedError(`There is no file ${path}.`, { file: path });
  return readFileSync(path, 'utf8');
}

function answerOf(findings: readonly Finding[], exitCode?: ExitCode): Answer {
  const problems = findings.filter(({ status }) => status === 'problem').length;
  const lines = findings.map(({ check, status, found, todo }) => `${MARKS[status]}  ${check}: ${found}${todo === undefined || status === 'ok' ? '' : `\n         -> ${todo.replaceAll('\n', '\n         -> ')}`}`);
  return {
    data: { ok: problems === 0, findings }, text: lines.join('\n'),
    exitCode: exitCode ?? (problems > 0 ? ExitCode.refused : ExitCode.ok),
  };
}
