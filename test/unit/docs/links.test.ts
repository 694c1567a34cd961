import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brokenLinks, headingsOf, linksOf, tagsOf } from '../../support/docs/links.js';
import { PAGES } from '../../support/docs/pages.js';

describe('the pages', () => {
  it.each(PAGES)('%s links to nothing that is not there', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it.each(PAGES)('%s names no file of the sources that is not there', (page) => {
    expect(filesNamed(readFileSync(page, 'utf8')).filter((file) => !existsSync(file))).toEqual([]);
  });

  it.each(PAGES)('%s has no tag that GitHub would swallow', (page) => {
    expect(tagsOf(readFileSync(page, 'utf8'))).toEqual([]);
  });
});

/** Whole paths in backticks. */
function filesNamed(text: string): string[] {
  return [...text.matchAll(/`((?:lib|test|scripts|bench|dashboard|website|ops)\/[\w./-]+\.\w+)`/g)].map(([, file]) => file as string);
}

describe('what is looked at', () => {
  it('are files that are named in backticks', () => {
    expect(filesNamed('see `lib/a.ts`, `lib/folder/`, lib/b.ts, `npm test`, `test/x-y/z.mjs`')).toEqual(['lib/a.ts', 'test/x-y/z.mjs']);
  });


  it('is what stands outside of blocks of code', () => {
    expect(linksOf('[a](b.md#c) ![d](e.png) [f](https://example.org)\n```\n[g](h.md)\n```\n[i](#j)')).toEqual(['b.md#c', 'e.png', '#j']);
    expect(tagsOf('`<a>` <b> <http://c> <!-- <c> -->\n```\n<d>\n```\nx < 3 and y > 4')).toEqual(['<b>']);
  });

  it('knows the anchors of GitHub, of the same titles too', () => {
    expect(headingsOf('# `A` and B!\n## Two: words\n## Two words\n```\n# no\n```')).toEqual(['a-and-b', 'two-words', 'two-words-1']);
  });
});
