/**
 * Where bodies are kept that are too large for the broker. One of your own stands in `claimCheck.store` of the
 * configuration; `claimStoreContract` of `nestjs-dispatcher/contract-suites` holds it to what is written here. Whatever it
 * rejects with means that it cannot be reached now, and is tried again.
 *
 * @publicApi
 */
export interface ClaimStore {
  /** Resolves when the body is kept, and survives a crash of whoever called and of the store. A key that is there already has the new body then. */
  put(key: string, body: Buffer): Promise<void>;
  /** `undefined` where there is none of this key. @throws TaskTooLargeError where it has more bytes: it is not read to its end */
  get(key: string, maxBytes: number): Promise<Buffer | undefined>;
  /** Of one that is not there too. */
  delete(key: string): Promise<void>;
  /** Removes what was put before, and returns how many that were. What is put meanwhile stays. */
  sweep(before: Date): Promise<number>;
}

/** Keys of claims: the day on which the body was put, and a uuid. They are safe in file names and URLs; what is none is no key that we wrote. @publicApi */
export const CLAIM_KEY = /^\d{4}-\d{2}-\d{2}\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
