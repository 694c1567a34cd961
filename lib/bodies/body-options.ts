/** A way of making bodies smaller. Those of your own stand in `compressions` of the configuration. @publicApi */
export interface Compression {
  /** As it stands in the `content_encoding` of a message: letters, digits and `-`. Who reads the message needs one of this name. */
  readonly name: string;
  /** At once, on the event loop: bodies have at most `maxTaskBytes`. */
  compress(body: Uint8Array): Uint8Array;
  /**
   * @param maxBytes larger content must not be made: stop, and throw a `TaskTooLargeError`; whatever else it throws means that
   *   the bytes are damaged
   */
  decompress(body: Uint8Array, maxBytes: number): Uint8Array;
}

/** `zstd` needs Node 22.15 or later. @publicApi */
export type BuiltInCompression = 'gzip' | 'deflate' | 'br' | 'zstd';

/** @publicApi */
export type CompressionName = BuiltInCompression | (string & Record<never, never>);

/** See `compression` of the configuration. @publicApi */
export interface CompressionConfig {
  /** Default: `gzip`, which every reader knows. */
  coding?: CompressionName;
  /** Smaller bodies travel as they are. In bytes. Default: 1024. */
  minBytes?: number;
  /** Of which tasks, by name; `*` stands for any text. Default: of all. */
  tasks?: string[];
}

/** A secret that processes share. @publicApi */
export interface BodyKey {
  /** By which a message names it, in clear: letters, digits, `.`, `_` and `-`, at most 64. */
  id: string;
  /** 32 random bytes, or their base64 or hex text. `openssl rand -base64 32` makes one. */
  secret: Uint8Array | string;
}

/** Keys, and of which tasks they are asked for. @publicApi */
export interface KeysConfig {
  /** The first one is written with; all of them are read with. To rotate, add the new one behind the others everywhere, then move it to the front, and take the old one away once nothing waits that needs it. */
  keys: BodyKey[];
  /** Of which tasks, by name; `*` stands for any text. Default: of all. */
  tasks?: string[];
  /** A task of these names that comes without it is a dead letter `unauthenticated`. Default: false. */
  required?: boolean;
  /**
   * A text that must be the same where it is written and where it is read, such as the name of the application: what was
   * written for one is then of no use to another that has the same key. Default: empty.
   */
  context?: string;
}
