/**
 * What stands before the names of all keys of an exchange: in a cluster, what is in the braces decides where a key is, so
 * all of them are on one node. What would end it, or make the names of two exchanges meet, is written otherwise.
 */
export function keysOf(exchange: string): string {
  return `{dispatcher:${exchange.replace(/[%{}:]/g, encodeURIComponent)}}:`;
}
