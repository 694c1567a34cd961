import { UsageError } from '../failures.js';
import type { Terminal } from '../terminal.js';
import type { VerbOption } from '../verb.js';
import { seconds } from '../options.js';
import { CONFIG_FILES, readConfigFile } from './config-file.js';
import { type GivenSettings, type Settings, settingsOf } from './settings.js';

/** What every verb takes. */
export const COMMON_OPTIONS: readonly VerbOption[] = [
  { flags: '-b, --broker <url>', about: 'amqp://..., amqps://... or embedded:./folder; best given as DISPATCHER_BROKER, where `ps` does not show its password' },
  { flags: '-e, --exchange <name>', about: 'the main exchange of the applications; or DISPATCHER_EXCHANGE' },
  { flags: '--result-backend <url>', about: 'where the applications have one; or DISPATCHER_RESULT_BACKEND' },
  { flags: '-c, --config <file>', about: `a configuration; or DISPATCHER_CONFIG. Default: ${CONFIG_FILES.join(' or ')} in the working folder, if there is one` },
  { flags: '--connect-timeout <duration>', about: 'how long to try for a connection', parse: seconds, fallback: '10s' },
  { flags: '--json', about: 'answer as JSON, errors too' },
  { flags: '--verbose', about: 'tell on standard error what goes on' },
];

/**
 * From the command, the environment and a file, in this order.
 *
 * @throws UsageError where it is not said what to connect to
 */
export async function readSettings(options: Readonly<Record<string, unknown>>, { environment, folder }: Terminal): Promise<Settings> {
  const settings = await readSettingsOffline(options, { environment, folder });
  const { broker, exchange, defaultRoutingKey } = settings;
  if (broker === undefined) throw missing('broker', '--broker amqp://user@host:5672/', 'DISPATCHER_BROKER');
  if (exchange === undefined || defaultRoutingKey === undefined) throw missing('exchange', '--exchange tasks', 'DISPATCHER_EXCHANGE');
  return { ...settings, broker, exchange, defaultRoutingKey };
}

/** The same for what needs no broker. */
export async function readSettingsOffline(options: Readonly<Record<string, unknown>>, { environment, folder }: Pick<Terminal, 'environment' | 'folder'>): Promise<ReturnType<typeof settingsOf>> {
  const fromCommand: GivenSettings = {
    ...text('broker', options['broker']), ...text('exchange', options['exchange']), ...text('resultBackend', options['resultBackend']),
    ...options['connectTimeout'] === undefined ? {} : { connectSeconds: options['connectTimeout'] as number },
    ...options['verbose'] === true ? { verbose: true } : {},
  };
  const fromEnvironment: GivenSettings = {
    ...text('broker', environment['DISPATCHER_BROKER']), ...text('exchange', environment['DISPATCHER_EXCHANGE']),
    ...text('resultBackend', environment['DISPATCHER_RESULT_BACKEND']),
  };
  const named = (options['config'] as string | undefined) ?? (environment['DISPATCHER_CONFIG'] || undefined);
  return settingsOf(fromCommand, fromEnvironment, await readConfigFile(folder, named));
}

/** What is empty counts as not given: so a variable is taken away for one call. */
function text(name: 'broker' | 'exchange' | 'resultBackend', value: unknown): GivenSettings {
  return typeof value === 'string' && value !== '' ? { [name]: value } : {};
}

function missing(what: string, option: string, variable: string): UsageError {
  return new UsageError(`It is not said which ${what} is meant. Write ${option}, set ${variable}, or put "${what}" into ${CONFIG_FILES[0]}.`);
}
