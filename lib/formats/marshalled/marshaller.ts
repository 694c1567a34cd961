/**
 * Values to bytes and back, by a library for MessagePack, CBOR or whatever. `marshalled` makes a format of it, which stands in
 * `formats` of the configuration and is named like any other. Pure: no clock, no randomness, no I/O.
 *
 * @publicApi
 */
export interface Marshaller {
  /** How configuration, errors and headers call it. */
  readonly name: string;
  /** By which its messages are recognised: `application/cbor`. */
  readonly contentType: string;
  /** @param value null, booleans, finite numbers, bigints of 64 bits, texts, dates, bytes (`Uint8Array`), and lists and plain objects of them */
  encode(value: unknown): Uint8Array;
  /**
   * The same values. Whatever it throws is an `InvalidBodyError` to whoever asks. It must hold neither more memory than a
   * small multiple of the bytes, nor run for longer, whatever they are.
   */
  decode(bytes: Uint8Array): unknown;
}

/**
 * How one kind of value travels as an argument: what `encode` makes of it stands in the message, beside the name of the codec.
 *
 * @publicApi
 */
export interface ArgumentCodec<Value = unknown> {
  readonly name: string;
  /** Whether a value is of this kind. Asked of each argument. */
  fits(value: unknown): value is Value;
  /** What the marshaller can write: plain data, dates, bytes. */
  encode(value: Value): unknown;
  /** Whatever it throws makes the task a dead letter `invalid-arguments`. */
  decode(data: unknown): Value;
}
