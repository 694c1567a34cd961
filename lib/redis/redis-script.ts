import { createHash } from 'node:crypto';

/** A Lua script, sent once and then called by its hash. */
export interface RedisScript { readonly text: string; readonly sha1: string }

export function redisScript(text: string): RedisScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}
