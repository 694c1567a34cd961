import type { Broker } from '../../brokers/broker.js';
import { createBroker } from '../../dispatcher/create-broker.js';
import { resolveConfig } from '../../dispatcher/config/resolve-config.js';
import type { ServerConfig } from '../../dispatcher/config/server-config.js';
import { Dispatcher } from '../../dispatcher/dispatcher.js';
import { DispatcherParts } from '../../dispatcher/dispatcher-parts.js';
import type { Inspection } from '../../inspection/inspection.js';
import type { Settings } from '../settings/settings.js';
import type { Terminal } from '../terminal.js';
import { cliApplication, StderrLog } from './cli-application.js';
import { refuseWhatIsNotThere } from './find-target.js';

const SHUTDOWN_SECONDS = 5;

/** A dispatcher that publishes and looks, and consumes nothing; connected. */
export class Session {
  private constructor(private readonly dispatcher: Dispatcher, readonly settings: Settings) {}

  /** @throws what keeps the broker from being used; everything is closed again then */
  static async open(settings: Settings, terminal: Terminal, { signal, json }: { readonly signal: AbortSignal; readonly json: boolean }): Promise<Session> {
    const log = new StderrLog(terminal.stderr, { json, verbose: settings.verbose });
    const config = resolveConfig(serverConfig(settings, log), {}, terminal.folder);
    await refuseWhatIsNotThere({ ...settings, broker: config.broker }, signal);
    signal.throwIfAborted();
    const parts = new DispatcherParts(config, createBroker(config, 'cli'), cliApplication(log));
    const dispatcher = new Dispatcher(parts);
    await dispatcher.start();
    log.isConnected = true;
    return new Session(dispatcher, settings);
  }

  get parts(): DispatcherParts {
    return this.dispatcher.parts;
  }

  get broker(): Broker {
    return this.parts.broker;
  }

  get inspection(): Inspection {
    return this.parts.inspecting.inspection;
  }

  get exchange(): string {
    return this.settings.exchange;
  }

  close(): Promise<void> {
    return this.dispatcher.close();
  }
}

function serverConfig(settings: Settings, logger: StderrLog): ServerConfig {
  const { broker, exchange, defaultRoutingKey, resultBackend, tlsConfig, secureConnection, consumerTimeoutSeconds, takeoverSeconds, wire, connectSeconds, verbose } = settings;
  const tls = tlsConfig.reveal();
  return {
    broker: broker.reveal(), exchange, defaultRoutingKey, secureConnection, role: 'publisher', startup: 'fail-fast',
    // It looks, and is not among those that are looked at.
    inspection: { enabled: false },
    startupTimeoutSeconds: connectSeconds, shutdownTimeoutSeconds: SHUTDOWN_SECONDS, debugMode: verbose, logger,
    ...resultBackend === undefined ? {} : { resultBackend: resultBackend.reveal() },
    ...tls === undefined ? {} : { tlsConfig: tls },
    ...consumerTimeoutSeconds === undefined ? {} : { consumerTimeoutSeconds },
    ...takeoverSeconds === undefined ? {} : { takeoverSeconds },
    ...wire === undefined ? {} : { wire },
  };
}
