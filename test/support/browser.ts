import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { findChromium, HOW_TO_GET_CHROMIUM } from '../../scripts/find-chromium.mjs';

const PROGRAM = findChromium();
if (PROGRAM === undefined) console.error(`NOT TESTED: the dashboard in a browser, because there is no Chromium here. ${HOW_TO_GET_CHROMIUM}`);

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 375, height: 740 };

let browser: Browser | undefined;

/** Tests in a real Chromium; skipped where there is none. */
export function describeInBrowser(title: string, tests: () => void): void {
  describe.skipIf(PROGRAM === undefined)(title, () => {
    beforeAll(async () => {
      // Root has no sandbox; what it opens here are pages of ours.
      browser = await chromium.launch({ executablePath: PROGRAM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
    });
    afterAll(async () => {
      await browser?.close();
      browser = undefined;
    });
    tests();
  });
}

export interface OpenPage {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, what the policy refused. */
  readonly complaints: string[];
  /** Hosts that were asked for something. */
  readonly hosts: Set<string>;
}

/** A page in a context of its own, closed at the end of the test. */
export async function openPage(url: string, { size = DESKTOP, dark = false }: { size?: { width: number; height: number }; dark?: boolean } = {}): Promise<OpenPage> {
  if (browser === undefined) throw new Error('The browser is not started: use describeInBrowser.');
  const context = await browser.newContext({ viewport: size, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await page.goto(url);
  return { page, complaints, hosts };
}

/** What axe finds wrong with the page as it is, one line each. */
export async function axeProblems(page: Page): Promise<string[]> {
  // By the debugger, which the policy of the page does not concern.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }> } }).axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`));
}

/** For the pages in docs/, where somebody asks for it: `DISPATCHER_TEST_SCREENSHOTS=1 npm test -- browser test/browser/system.test.ts`. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  if (process.env['DISPATCHER_TEST_SCREENSHOTS'] === '1') await page.screenshot({ path: `docs/images/dashboard-${name}.png` });
}

/** A page that can be moved sideways is too wide for its screen. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const [inner, scroll] = await page.evaluate<[number, number]>('[document.documentElement.clientWidth, document.documentElement.scrollWidth]');
  expect(scroll).toBeLessThanOrEqual(inner);
}
