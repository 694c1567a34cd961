import type { ConnectionOptions } from 'node:tls';
import type { WireOption } from '../../task/wire.js';
import { Secret } from '../../urls/secret.js';

/** What the program connects to. Whatever may have a password in it is not to be seen. */
export interface Settings {
  readonly broker: Secret<string>;
  readonly exchange: string;
  readonly defaultRoutingKey: string;
  readonly resultBackend: Secret<string> | undefined;
  readonly tlsConfig: Secret<ConnectionOptions | undefined>;
  readonly secureConnection: boolean;
  readonly consumerTimeoutSeconds: number | undefined;
  readonly takeoverSeconds: number | undefined;
  /** Who reads the queues: what is sent is checked by it. */
  readonly wire: WireOption | undefined;
  /** The work queues that are meant where none is named. */
  readonly queues: readonly string[];
  /** For the first connection. */
  readonly connectSeconds: number;
  /** Also what goes on behind the scenes is told. */
  readonly verbose: boolean;
}

/** Settings as they come from one place: a file, the environment, the command. */
export interface GivenSettings {
  readonly broker?: string;
  readonly exchange?: string;
  readonly defaultRoutingKey?: string;
  readonly resultBackend?: string;
  readonly tlsConfig?: ConnectionOptions;
  readonly secureConnection?: boolean;
  readonly consumerTimeoutSeconds?: number;
  readonly takeoverSeconds?: number;
  readonly wire?: WireOption;
  readonly queues?: readonly string[];
  readonly connectSeconds?: number;
  readonly verbose?: boolean;
}

const DEFAULT_CONNECT_SECONDS = 10;

/** @param sources what stands first wins */
export function settingsOf(...sources: readonly GivenSettings[]): Partial<Settings> & Omit<Settings, 'broker' | 'exchange' | 'defaultRoutingKey'> {
  const given = <Name extends keyof GivenSettings>(name: Name): GivenSettings[Name] => sources.find((source) => source[name] !== undefined)?.[name];
  const { broker, exchange, resultBackend } = { broker: given('broker'), exchange: given('exchange'), resultBackend: given('resultBackend') };
  return {
    ...broker === undefined ? {} : { broker: new Secret(broker) },
    ...exchange === undefined ? {} : { exchange, defaultRoutingKey: given('defaultRoutingKey') ?? exchange },
    resultBackend: resultBackend === undefined ? undefined : new Secret(resultBackend),
    tlsConfig: new Secret(given('tlsConfig')),
    secureConnection: given('secureConnection') ?? false,
    consumerTimeoutSeconds: given('consumerTimeoutSeconds'),
    takeoverSeconds: given('takeoverSeconds'),
    wire: given('wire'),
    queues: given('queues') ?? [],
    connectSeconds: given('connectSeconds') ?? DEFAULT_CONNECT_SECONDS,
    verbose: given('verbose') ?? false,
  };
}
