import { Bodies, type CompressionInUse, type KeysInUse } from '../../bodies/bodies.js';
import type { CompressionConfig, KeysConfig } from '../../bodies/body-options.js';
import { Compressions } from '../../bodies/compressions.js';
import { KeyRing } from '../../bodies/key-ring.js';
import { TaskNames } from '../../bodies/task-names.js';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { checkBoolean, checkCount, checkNames, refuseUnknown, requireObject } from './config-checks.js';
import type { ServerConfig } from './server-config.js';

/** Smaller ones hardly become smaller. */
const DEFAULT_MIN_BYTES = 1024;
const LONGEST_CONTEXT = 1000;

/** How bodies are packed and unpacked. @throws ConfigurationError */
export function checkBodies({ compression, compressions, encryption, signing }: ServerConfig, maxBytes: number, claimsFrom?: number): Bodies {
  if (compressions !== undefined && !Array.isArray(compressions)) throw new ConfigurationError(`compressions must be a list such as [mine]; found ${display(compressions)}.`, { option: 'compressions' });
  const known = new Compressions(compressions);
  return new Bodies({
    compressions: known, compression: checkCompression(compression, known), encryption: checkKeys(encryption, 'encryption'), signing: checkKeys(signing, 'signing'), maxBytes, claimsFrom,
  });
}

function checkCompression(compression: ServerConfig['compression'], known: Compressions): CompressionInUse | undefined {
  if (compression === undefined || compression === false) return undefined;
  if (typeof compression === 'string') return { compression: known.get(compression, 'compression'), minBytes: DEFAULT_MIN_BYTES, tasks: new TaskNames(undefined) };
  requireObject(compression, 'compression', "{ coding: 'br', minBytes: 2048 }, or the name of one, 'br'");
  refuseUnknown(compression, ['coding', 'minBytes', 'tasks'], 'compression');
  const { coding = 'gzip', minBytes, tasks }: CompressionConfig = compression;
  return {
    compression: known.get(coding, 'compression.coding'), minBytes: checkCount(minBytes, 'compression.minBytes', { minimum: 0, fallback: DEFAULT_MIN_BYTES }),
    tasks: new TaskNames(checkNames(tasks, 'compression.tasks', "'report.*'")),
  };
}

function checkKeys(config: KeysConfig | undefined, option: 'encryption' | 'signing'): KeysInUse | undefined {
  if (config === undefined) return undefined;
  // Never shown: it has secrets in it.
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw new ConfigurationError(`${option} must be an object such as { keys: [{ id: '2026-01', secret }] }.`, { option });
  refuseUnknown(config, ['keys', 'tasks', 'required', 'context'], option);
  const { keys, tasks, required, context = '' }: KeysConfig = config;
  if (typeof context !== 'string' || context.length > LONGEST_CONTEXT) throw new ConfigurationError(`${option}.context must be a text of at most ${LONGEST_CONTEXT} characters; found ${display(context)}.`, { option: `${option}.context` });
  return {
    keys: new KeyRing(keys, `${option}.keys`), tasks: new TaskNames(checkNames(tasks, `${option}.tasks`, "'card.*'")), required: checkBoolean(required, `${option}.required`, false), context,
  };
}
