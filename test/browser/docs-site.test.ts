import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sectionsOf } from '../../website/pages.mjs';
import { serve } from '../../website/serve.mjs';
import { axeProblems, describeInBrowser, expectNoSidewaysScrolling, openPage, PHONE } from '../support/browser.js';
import { deadLinks } from '../support/docs/crawl.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

const site = temporaryFolder('docs-site');
let server: Server | undefined;
let url: string;

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['website/build.mjs', '--out', site], { timeout: 300_000 });
  server = await serve(site);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 300_000);

afterAll(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => { if (server === undefined) resolve(undefined); else server.close(resolve); });
  removeFolder(site);
});

async function get(path: string): Promise<{ status: number; type: string | null }> {
  const response = await fetch(url + path, { headers: { connection: 'close' } });
  // Its socket stays open until somebody has read it.
  await response.text();
  return { status: response.status, type: response.headers.get('content-type') };
}

describe('the built site', () => {
  it('has no link that leads nowhere', () => {
    expect(deadLinks(site)).toEqual([]);
  });

  it('shows what the theme says, and no templates of it', () => {
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toContain('a task queue for NestJS');
    for (const file of ['index.html', 'delays.html']) expect(readFileSync(join(site, file), 'utf8')).not.toContain('{{');
  });

  it('lists its pages for programs, as they were written', () => {
    const list = readFileSync(join(site, 'llms.txt'), 'utf8');
    const linked = [...list.matchAll(/^- \[.+\]\((.+\.md)\): ./gm)].map(([, path = '']) => path);
    expect(linked.toSorted()).toEqual(sectionsOf(site).flatMap(({ pages }) => pages).map((page) => `${page}.md`).sort());
    expect(readFileSync(join(site, 'llms-full.txt'), 'utf8')).toContain(readFileSync(join(site, 'delays.md'), 'utf8').trim());
  });

  it('has the docstrings of each way into the package', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, string | { types: string }> };
    const overview = readFileSync(join(site, 'api/index.html'), 'utf8');
    for (const [path, target] of Object.entries(exports)) if (typeof target !== 'string') expect(overview).toContain(`nestjs-dispatcher${path.slice(1)} <`);
    expect(readFileSync(join(site, 'api/core/classes.html'), 'utf8')).toContain('No queue is bound to the task&#39;s routing key');
  });

  it('is served as it stands, and no more than that', async () => {
    expect(await get('/delays.html')).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    for (const path of ['/gone.html', '/%2e%2e/%2e%2e/etc/passwd', '/%', '/%00']) expect(await get(path)).toMatchObject({ status: 404 });
  });
});

describeInBrowser('the site in a browser', () => {
  it('finds a page by a word, without a server', async () => {
    const { page, complaints, hosts } = await openPage(`${url}/`);
    await page.getByRole('button', { name: 'Search' }).first().click();
    await page.locator('.VPLocalSearchBox input').fill('backoff');
    const hit = page.locator('.VPLocalSearchBox .result').first();
    await hit.waitFor();
    const address = await hit.getAttribute('href');
    await hit.click();
    await page.waitForURL(`**${address ?? 'no address'}`);
    expect(await page.locator('.vp-doc').innerText()).toMatch(/backoff/i);
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([new URL(url).host]);
  });

  it('leads by its sidebar to each section', async () => {
    const { page, complaints } = await openPage(`${url}/readme.html`);
    const links = await page.locator('.VPSidebar a.link').evaluateAll((found) => found.map((link) => (link as unknown as { getAttribute(name: string): string }).getAttribute('href')));
    expect(links.length).toBeGreaterThan(30);
    for (const link of [links[1], links[Math.floor(links.length / 2)], links.at(-1)]) {
      await page.locator(`.VPSidebar a.link[href="${link}"]`).click();
      await page.waitForURL(`**${link}`);
      const file = join(site, link?.endsWith('/') === true ? `${link}index.html` : link ?? '');
      expect(existsSync(file)).toBe(true);
      const [, title = 'no title'] = /<title>(.*?) \|/.exec(readFileSync(file, 'utf8')) ?? [];
      await page.locator('h1', { hasText: title }).waitFor();
    }
    expect(complaints).toEqual([]);
  });

  it('can be read in the dark, on a phone, and by whoever cannot see', async () => {
    const { page } = await openPage(`${url}/errors.html`, { dark: true, size: PHONE });
    expect(await page.locator('html').getAttribute('class')).toContain('dark');
    await expectNoSidewaysScrolling(page);
    expect(await axeProblems(page)).toEqual([]);
  });
});
