import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../failures.js';
import { display } from '../../task/argument-types.js';
import { WIRES } from '../../task/wire.js';
import type { GivenSettings } from './settings.js';

/** Looked for in the working folder, the first one there is taken. */
export const CONFIG_FILES = ['dispatcher.config.json', 'dispatcher.config.mjs'] as const;

type Check = readonly [fits: (value: unknown) => boolean, expected: string];

const TEXT: Check = [(value) => typeof value === 'string' && value !== '', 'a text'];
const SECONDS: Check = [(value) => typeof value === 'number' && value >= 0, 'a number of seconds'];
const KNOWN: Readonly<Partial<Record<keyof GivenSettings, Check>>> = {
  broker: TEXT, exchange: TEXT, defaultRoutingKey: TEXT, resultBackend: TEXT,
  tlsConfig: [(value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object of TLS options'],
  secureConnection: [(value) => typeof value === 'boolean', 'true or false'],
  consumerTimeoutSeconds: SECONDS, takeoverSeconds: SECONDS, connectSeconds: SECONDS,
  wire: [(value) => (WIRES as readonly unknown[]).includes(value), WIRES.join(' or ')],
  queues: [(value) => Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== ''), 'a list of names'],
};

/**
 * Reads the configuration of the command line.
 *
 * @param named by an option or the environment; it must exist then
 * @throws UsageError that never repeats what is in it
 */
export async function readConfigFile(folder: string, named: string | undefined): Promise<GivenSettings> {
  const path = named === undefined ? CONFIG_FILES.map((name) => resolve(folder, name)).find((one) => existsSync(one)) : resolve(folder, named);
  if (path === undefined) return {};
  if (!existsSync(path)) throw new UsageError(`There is no file ${path}. Name the configuration by --config or DISPATCHER_CONFIG, or leave both out.`);
  return checked(await load(path), path);
}

async function load(path: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    // What a parser says repeats what it has read, which may be a password.
    throw new UsageError(`${path} cannot be read (${error instanceof Error ? error.name : 'unknown error'}). Write a JSON object, or a module with one as its default export.`);
  }
}

function checked(content: unknown, path: string): GivenSettings {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UsageError(`${path} must have an object such as { "broker": "amqp://host/", "exchange": "tasks" }${path.endsWith('.json') ? '' : ' as its default export'}.`);
  }
  for (const [name, value] of Object.entries(content)) {
    const check = Object.hasOwn(KNOWN, name) ? KNOWN[name as keyof GivenSettings] : undefined;
    if (check === undefined) throw new UsageError(`${path} has ${display(name)}, which means nothing here; known are ${Object.keys(KNOWN).join(', ')}.`);
    if (!check[0](value)) throw new UsageError(`${name} in ${path} must be ${check[1]}.`);
  }
  return content;
}
