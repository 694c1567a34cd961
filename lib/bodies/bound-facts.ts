import type { MessageProperties } from '../brokers/broker.js';
import { Header } from '../task/headers.js';

/**
 * What of a message decides what runs, and is the same from its publishing to its end, whatever is added by retries, delays
 * and dead letters. It goes along when a body is encrypted or signed, so that the body is of no use beside other facts.
 */
const BOUND_HEADERS = [Header.task, Header.format, Header.version, Header.retry, Header.workflow, Header.key] as const;

const VERSION = 'nestjs-dispatcher-body-1';

/** Each as `<bytes>:<text>,`, and what is not there as `-,`: no two lists of facts are the same bytes. */
export function boundFacts(purpose: 'encrypt' | 'sign', keyId: string, context: string, { messageId, contentType, contentEncoding, headers }: MessageProperties): Buffer {
  const facts: unknown[] = [VERSION, purpose, keyId, context, messageId, contentType, contentEncoding, ...BOUND_HEADERS.map((name) => headers?.[name])];
  return Buffer.from(facts.map(netstring).join(''));
}

function netstring(fact: unknown): string {
  if (fact === undefined || fact === null) return '-,';
  const text = typeof fact === 'string' ? fact : JSON.stringify(fact);
  return `${Buffer.byteLength(text)}:${text},`;
}
