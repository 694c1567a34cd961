import type { ServerResponse } from 'node:http';

/**
 * Nothing but our own files, no inline script or style, no frame around it, no form, no other host. Whatever a task
 * could smuggle into the page as text stays text.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  // `no-transform`: a proxy or a compressing middleware would hold the stream of updates back.
  'Cache-Control': 'no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** What the application opens to other origins for its own answers is not open for these. */
const OPENED = ['Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials', 'Access-Control-Allow-Headers', 'Access-Control-Allow-Methods', 'Access-Control-Expose-Headers'];

/** For every answer, whatever the application's own middleware has set before. */
export function setSecurityHeaders(response: ServerResponse): void {
  for (const name of OPENED) response.removeHeader(name);
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}
