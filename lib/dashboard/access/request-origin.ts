import type { IncomingMessage } from 'node:http';
import { Refusal } from '../http/refusal.js';

/** A page of another site cannot send it without asking first. */
const OWN_HEADER = 'x-dispatcher-dashboard';

/** Set by proxies: then the socket says nothing of who asks. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip'];

/**
 * An action comes from our own page, and from no other that the same browser has open.
 *
 * An application may allow other origins to call it, with credentials; so that our own header is there is not enough.
 * `Sec-Fetch-Site` is what the browser itself says, whatever proxies make of host and scheme. Browsers leave it out on
 * plain HTTP; then the origin must be the host that was asked.
 *
 * @throws Refusal
 */
export function requireOwnPage({ headers }: IncomingMessage): void {
  if (headers[OWN_HEADER] === undefined) throw crossSite(`the header ${OWN_HEADER} is missing`);
  requireSameSite(headers);
}

/** @throws Refusal where another site's page reads our data */
export function requireSameSite(headers: IncomingMessage['headers']): void {
  const site = headers['sec-fetch-site'];
  // `none`: somebody typed the address.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw crossSite(`the browser says "${String(site).slice(0, 20)}"`);
  if (site === undefined && headers.origin !== undefined && hostOf(headers.origin) !== headers.host) {
    throw crossSite('its origin is not the host that was asked; a proxy in front has to leave the Host header as it is, or to use HTTPS');
  }
}

/**
 * Nobody is asked who they are, so only this very machine is answered: by the address of the socket, by no proxy, and by
 * a name that is this machine's, because any other could be made to lead here by whoever owns it.
 *
 * @throws Refusal
 */
export function requireLoopback(request: IncomingMessage): void {
  const { headers, socket } = request;
  const forwarded = FORWARDED.find((name) => headers[name] !== undefined);
  if (!isLoopbackAddress(socket.remoteAddress)) throw notLocal('the connection comes from elsewhere');
  if (forwarded !== undefined) throw notLocal(`the header ${forwarded} says that a proxy stands in between`);
  if (!isLoopbackName(headers.host)) throw notLocal('the host that was asked for is no name of this machine; write http://localhost or http://127.0.0.1');
}

export function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127(\.\d{1,3}){3}$|^::1$/.test(address);
}

function isLoopbackName(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host);
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

function crossSite(found: string): Refusal {
  return new Refusal(403, 'CROSS_SITE', `Only the dashboard's own page may do this: ${found}.`);
}

function notLocal(found: string): Refusal {
  return new Refusal(403, 'NOT_LOCAL', `This dashboard is insecure (insecure: true), and answers this very machine alone: ${found}. For others, configure authenticate.`);
}
