import { setTimeout as pause } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { describe, expect, it } from 'vitest';
import { ask, askToAct, openStream, PLATFORMS, startDashboard, type DashboardSetup } from '../../support/dashboard-app.js';
import { ScriptedInspection } from '../../support/scripted-inspection.js';

const INSECURE = { insecure: true };
const ada = { authenticate: () => ({ name: 'ada' }) };

describe.each(PLATFORMS)('the dashboard on %s', (platform) => {
  const setup = (): DashboardSetup => ({ platform, inspection: new ScriptedInspection() });

  it('serves its page with a strict policy, and nothing that may be kept or framed', async () => {
    const { port } = await startDashboard(INSECURE, setup());
    for (const path of ['/dispatcher/', '/dispatcher/assets/index-1.js', '/dispatcher/api/session', '/dispatcher/nothing']) {
      const { headers } = await ask(port, path);
      expect(headers['cache-control']).toContain('no-store');
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'/);
      expect(headers['content-security-policy']).not.toContain('unsafe');
    }
    expect((await ask(port, '/dispatcher/')).text).toContain('<title>page</title>');
    expect((await ask(port, '/dispatcher/assets/index-1.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await ask(port, '/dispatcher/', { method: 'HEAD' })).text).toBe('');
  });

  it('leads to its own folder by a relative address, and serves nothing that is not its own', async () => {
    const { port } = await startDashboard(INSECURE, setup());
    expect(await ask(port, '/dispatcher')).toMatchObject({ status: 302, headers: { location: './dispatcher/' } });
    for (const path of ['/dispatcher/assets/..%2findex.html', '/dispatcher/../package.json', '/dispatcher/assets/', '/dispatcher/api/other/recent', '/dispatcher/api/default/nothing', '/dispatcherx']) {
      expect((await ask(port, path)).status, path).toBe(404);
    }
    expect((await ask(port, '/dispatcher/', { method: 'DELETE' })).status).toBe(405);
    expect((await ask(port, `/dispatcher/api/default/recent?name=${'x'.repeat(9_000)}`)).status).toBe(414);
  });

  it('works below a global prefix, and at another path', async () => {
    const { port } = await startDashboard({ ...INSECURE, path: '/admin/tasks' }, { ...setup(), prepare: (app) => void app.setGlobalPrefix('api/v1') });
    expect(await ask(port, '/api/v1/admin/tasks')).toMatchObject({ status: 302, headers: { location: './tasks/' } });
    expect(await ask(port, '/api/v1/admin/tasks/')).toMatchObject({ status: 200 });
    expect(JSON.parse((await ask(port, '/api/v1/admin/tasks/api/session')).text)).toMatchObject({ dispatchers: [{ name: 'default', mayAct: true }] });
    expect((await ask(port, '/admin/tasks/')).status).toBe(404);
  });

  it('acts for its own page alone, whatever the application allows to others', async () => {
    const { port } = await startDashboard(ada, { ...setup(), prepare: (app) => app.enableCors({ origin: true, credentials: true }) });
    const body = JSON.stringify({ kind: 'queue', name: 'queue_1' });
    const act = async (headers: Record<string, string>): Promise<number> => (await ask(port, '/dispatcher/api/default/actions/resume', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })).status;
    const own = { 'x-dispatcher-dashboard': '1' };
    expect(await act({})).toBe(403);
    expect(await act({ 'sec-fetch-site': 'same-origin' })).toBe(403);
    expect(await act({ ...own, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await act({ ...own, 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await act({ ...own, origin: 'https://evil.example' })).toBe(403);
    expect(await act({ ...own, origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' })).toBe(403);
    expect(await act({ ...own, origin: 'null' })).toBe(403);
    expect(await act({ ...own, 'sec-fetch-site': 'same-origin', origin: 'https://dashboard.example' })).toBe(200);
    expect(await act({ ...own, origin: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}` })).toBe(200);
    expect(await act(own)).toBe(200);
    const read = await ask(port, '/dispatcher/api/session', { headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } });
    expect(read.status).toBe(403);
    expect(read.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('answers loopback alone where it is insecure, by names of this machine, and through no proxy', async () => {
    const { port, log } = await startDashboard(INSECURE, setup());
    expect((await ask(port, '/dispatcher/')).status).toBe(200);
    expect((await ask(port, '/dispatcher/', { headers: { host: 'localhost:3000' } })).status).toBe(200);
    for (const headers of <Record<string, string>[]>[{ host: 'rebound.example' }, { 'x-forwarded-for': '10.0.0.1' }, { forwarded: 'for=10.0.0.1' }]) {
      expect((await ask(port, '/dispatcher/', { headers })).status, JSON.stringify(headers)).toBe(403);
    }
    expect(log.of('warn').join()).toContain('insecure');
  });

  it.each([
    ['nobody', { bodyParser: false }, () => undefined],
    ['the parser of JSON that Nest brings', {}, () => undefined],
    ['a parser that leaves bytes', { bodyParser: false, rawBody: false }, (app: INestApplication) => { if (platform === 'Express') (app as NestExpressApplication).useBodyParser('raw', { type: () => true }); }],
  ])('reads the fields of an action that %s has read before', async (_, app, prepare) => {
    const { port } = await startDashboard(INSECURE, { ...setup(), app, prepare });
    expect(JSON.parse((await askToAct(port, 'resume', { kind: 'queue', name: 'queue_1' })).text)).toEqual({ text: 'It was not paused: the queue queue_1.' });
  });

  it('refuses bodies that are no fields, or too large', async () => {
    const { port } = await startDashboard(INSECURE, { ...setup(), app: { bodyParser: false } });
    const headers = { 'x-dispatcher-dashboard': '1', 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
    const post = async (body: string | Buffer): Promise<number> => (await ask(port, '/dispatcher/api/default/actions/resume', { method: 'POST', headers, body })).status;
    expect(await post('nonsense')).toBe(400);
    expect(await post('[1]')).toBe(400);
    expect(await post('')).toBe(400);
    expect(await post(JSON.stringify({ kind: 'queue', name: 'q', more: 'x'.repeat(2 * 1024 * 1024) })).catch(() => 413)).toBe(413);
  });

  it('follows the system by one look for all open pages, and stops when there is none', async () => {
    const inspection = new ScriptedInspection();
    const { port } = await startDashboard(INSECURE, { platform, inspection });
    const pages = await Promise.all([1, 2, 3].map(() => openStream(port, 'overview,queues')));
    const texts = await Promise.all(pages.map((page) => page.until('event: queues')));
    for (const text of texts) expect(text).toContain('"name":"queue_1"');
    expect(inspection.calls.filter((call) => call === 'queues').length).toBeLessThanOrEqual(2);
    for (const page of pages) page.close();
    // The look that was under way when the last one left.
    await pause(1_200);
    const asked = inspection.calls.length;
    await pause(1_500);
    expect(inspection.calls.length).toBe(asked);
  });

  it('ends the updates of open pages when the application closes, so that it can', async () => {
    const { port, app } = await startDashboard(INSECURE, { ...setup(), app: { forceCloseConnections: false } });
    const page = await openStream(port, 'overview');
    await page.until('event: overview');
    await app.close();
    await page.ended;
  });

  it('opens a bounded number of pages', async () => {
    const { port } = await startDashboard(INSECURE, setup());
    await Promise.all(Array.from({ length: 200 }, () => openStream(port, 'events')));
    expect((await ask(port, '/dispatcher/api/default/stream?topics=overview')).status).toBe(503);
    expect((await ask(port, '/dispatcher/api/session')).status).toBe(200);
  });
});
