import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { barChart } from '../../../website/.vitepress/bar-chart.mjs';
import { firstSentence, llmsTexts, titleOf } from '../../../website/llms.mjs';
import { missingPages, SECTIONS, sectionsOf } from '../../../website/pages.mjs';
import { sitePage, stage } from '../../../website/stage.mjs';
import { brokenLinks } from '../../support/docs/links.js';
import { PAGES } from '../../support/docs/pages.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

describe('the pages of the site', () => {
  const folder = temporaryFolder('site-pages');
  beforeAll(() => stage(process.cwd(), folder));
  afterAll(() => removeFolder(folder));

  it('are all in the sidebar, once', () => {
    expect(missingPages(folder)).toEqual([]);
    const shown = sectionsOf(folder).flatMap(({ pages }) => pages);
    expect(shown.toSorted()).toEqual([...new Set(shown)].sort());
    expect(shown).toHaveLength(PAGES.length);
  });

  it('link to each other as before', () => {
    const files = ['/api.txt', '/license.txt'];
    const broken = sectionsOf(folder).flatMap(({ pages }) => pages).flatMap((page) => brokenLinks(join(folder, `${page}.md`)));
    expect(broken.filter((link) => !files.some((file) => link.endsWith(`: ${file}`)))).toEqual([]);
  });

  it('are listed for programs, each with its title and what it says first', () => {
    const { list, full } = llmsTexts(folder, 'A queue');
    expect(list).toMatch(/^# Dispatcher for NestJS\n\n> A queue\.\n/);
    for (const page of sectionsOf(folder).flatMap(({ pages }) => pages)) {
      const text = readFileSync(join(folder, `${page}.md`), 'utf8');
      expect(list).toContain(`- [${titleOf(text)}](${page}.md): `);
      expect(full).toContain(text.trim());
    }
    expect(list).not.toContain('Untitled');
  });
});

describe('a page on its way to the site', () => {
  it('keeps what it shows, and loses what it hides', () => {
    expect(sitePage('a\n<!-- prelude\nb\n-->\n```ts\n<!-- c -->\n[d](e.md)\n```\nf', 'docs/a.md', 'a.md')).toBe('a\n```ts\n<!-- c -->\n[d](e.md)\n```\nf');
  });

  it.each([
    ['README.md', 'readme.md', 'docs/delays.md#what', './delays.md#what'],
    ['README.md', 'readme.md', 'LICENSE', '/license.txt'],
    ['docs/delays.md', 'delays.md', '../README.md#handling', './readme.md#handling'],
    ['docs/guides/cron.md', 'guides/cron.md', '../schedules.md', '../schedules.md'],
    ['docs/guides/cron.md', 'guides/cron.md', '../../README.md', '../readme.md'],
    ['docs/delays.md', 'delays.md', '#what', '#what'],
    ['docs/delays.md', 'delays.md', 'https://example.org/a.md', 'https://example.org/a.md'],
  ])('of %s (there %s) links from %s to %s', (from, to, link, expected) => {
    expect(sitePage(`[a](${link})`, from, to)).toBe(`[a](${expected})`);
  });
});

describe('the sidebar', () => {
  const folder = temporaryFolder('site-sidebar');
  afterAll(() => removeFolder(folder));

  it('takes a page that nobody named into the section of its folder', () => {
    for (const file of ['readme.md', 'brand-new.md', 'guides/b.md', 'guides/a.md', 'moving/c.md', 'index.md', 'picture.png']) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), '');
    }
    const sections = Object.fromEntries(sectionsOf(folder).map(({ title, pages }) => [title, pages]));
    expect(sections).toMatchObject({ Start: ['readme'], Guides: ['guides/a', 'guides/b'], Features: ['brand-new'], 'Moving over': ['moving/c'] });
    expect(missingPages(folder)).toContain('errors');
    expect(SECTIONS.flatMap(({ pages }) => pages)).toContain('errors');
  });
});

describe('what a page says first', () => {
  it.each([
    ['# T\n\n```ts\na. B\n```\n\n| a. |\n\nOne, e.g. this ([why](x.md#y)). Two.', 'One, e.g. this.'],
    ['# T\n\nSays `a.b()` in [words](x.md): first. Second', 'Says `a.b()` in words: first.'],
    ['# T\n\nNo stop', 'No stop'],
    ['# T\n', ''],
  ])('%j is %j', (text, sentence) => {
    expect(firstSentence(text)).toBe(sentence);
  });
});

describe('a bar chart', () => {
  it('is read from what GitHub draws', () => {
    expect(barChart('xychart-beta horizontal\n  title "Speed"\n  x-axis ["a", "b, c"]\n  bar [1, 20]\n')).toEqual({ title: 'Speed', bars: [['a', 1], ['b, c', 20]] });
    expect(barChart('graph LR\n a --> b\n')).toBeUndefined();
  });

  it('is every picture of that kind on the pages', () => {
    const charts = PAGES.flatMap((page) => [...readFileSync(page, 'utf8').matchAll(/^```mermaid\n(.*?)^```/gms)].map(([, source = '']) => barChart(source)));
    expect(charts.length).toBeGreaterThan(0);
    expect(charts).not.toContain(undefined);
  });
});
