import type { ChannelClosure } from '../../../amqp/open-channel.js';

/** `message size 200 is larger than configured max size 100`, in the words of every server since 3.8. */
const OVERSIZE = /message size (\d+) is larger than (?:configured )?max size (\d+)/;

/** The size that was refused and the limit, when that is why the channel was closed. */
export function oversizeIn(closure: ChannelClosure): { bytes: number; maxBytes: number } | undefined {
  const match = OVERSIZE.exec(closure.text);
  return match === null ? undefined : { bytes: Number(match[1]), maxBytes: Number(match[2]) };
}

/** Codes by which a server answers to something that we sent, rather than to its own state. */
const OURS = new Set([403, 404, 406, 501, 502, 503, 505, 540]);

/** Whether some publish may have caused this. */
export function causedByPublish(closure: ChannelClosure): boolean {
  return closure.code !== undefined && (OURS.has(closure.code) || closure.code === 541);
}

/**
 * How often a channel must end under one publish that was alone on it before that publish is given
 * up: a missing exchange is declared anew first, and an internal error may have been a coincidence.
 */
export function closuresToBlame(closure: ChannelClosure): number {
  if (closure.code === 404) return 2;
  return closure.code === 541 ? 3 : 1;
}
