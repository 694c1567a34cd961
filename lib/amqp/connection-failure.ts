import { BrokerRefusedError, BrokerUnavailableError, DispatcherError } from '../errors.js';

/** Certificate checks of OpenSSL as Node names them, and what a server says to a client's certificate. */
const TLS_REFUSAL =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|ERR_SSL_.*(ALERT|WRONG_VERSION|CERTIFICATE|PACKET_LENGTH))/;

/** The options themselves are at fault: nothing was sent. OpenSSL has no other word for a wrong passphrase than "bad decrypt". */
const TLS_OPTIONS = /^(ERR_OSSL_|ERR_MISSING_PASSPHRASE$)/;

/**
 * Says whether a failed attempt to connect is a refusal, for an operator to mend, or something
 * that may pass. amqplib gives refusals of the handshake only as text, which is read here and
 * nowhere else.
 */
export function classifyConnectionFailure(error: unknown, where: string): DispatcherError {
  if (error instanceof DispatcherError) return error;
  const { code, text } = describe(error);
  const advice = refusalAdvice(code, text);
  const fields = { broker: where, reason: text };
  if (advice !== undefined) {
    return new BrokerRefusedError(`The broker at ${where} refused the connection: ${text}. ${advice}`, fields, error);
  }
  return new BrokerUnavailableError(
    `The broker at ${where} cannot be reached: ${text}. Expected a RabbitMQ server there; check that it runs and that host and port are right.`,
    fields,
    error,
  );
}

function refusalAdvice(code: string | number | undefined, text: string): string | undefined {
  if (/Handshake terminated by server: 403\b/.test(text) || /ACCESS[_-]REFUSED/.test(text)) {
    return "Check the user name, the password and the user's permissions on the virtual host.";
  }
  if (/\b530\b|NOT[_-]ALLOWED|Expected ConnectionOpenOk; got <?ConnectionClose/.test(text)) {
    return 'Check that the virtual host exists, that the user may use it, and that no connection limit is reached.';
  }
  if (/SASL mechanism .* is not provided/.test(text)) return 'Enable the PLAIN mechanism on the server.';
  if (typeof code === 'string' && TLS_OPTIONS.test(code)) {
    return 'The options of TLS cannot be used: check that `key`, `cert`, `pfx` and `ca` are what they should be, and that the `passphrase` is that of the key.';
  }
  if (typeof code === 'string' && TLS_REFUSAL.test(code)) {
    return 'TLS verification failed: check the certificates (`ca`, `cert`, `key`, `servername`), their dates, and that the port speaks TLS.';
  }
  return undefined;
}

function describe(error: unknown): { code?: string | number; text: string } {
  if (!(error instanceof Error)) return { text: String(error) };
  const code = (error as { code?: string | number }).code;
  // Several addresses of one host name fail together, with an empty message on the outside.
  const inner = error instanceof AggregateError ? error.errors.map((one: unknown) => (one instanceof Error ? one.message : String(one))).join('; ') : '';
  const text = (error.message || inner || String(code ?? error.name)).replace(/\.$/, '');
  return code === undefined ? { text } : { code, text };
}
