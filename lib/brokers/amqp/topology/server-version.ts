import type { ChannelModel } from 'amqplib';

export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
}

/** The oldest that counts when a server does not say: nothing newer is then assumed. */
const UNKNOWN: ServerVersion = { major: 3, minor: 0 };

export function parseServerVersion(text: unknown): ServerVersion {
  const match = typeof text === 'string' ? /^(\d+)\.(\d+)/.exec(text) : null;
  return match === null ? UNKNOWN : { major: Number(match[1]), minor: Number(match[2]) };
}

export function serverVersion(model: ChannelModel): ServerVersion {
  return parseServerVersion((model.connection.serverProperties as { version?: unknown } | undefined)?.version);
}
