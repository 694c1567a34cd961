import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { slug } from '../../../website/slug.mjs';

/** Links of a page that lead to a file that is not among `files`, or to a heading that its page has not. */
export function brokenLinks(page: string, files: readonly string[] | { includes(path: string): boolean } = { includes: existsSync }): string[] {
  return linksOf(readFileSync(page, 'utf8')).filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    return !files.includes(target) || (heading !== undefined && !headingsOf(readFileSync(target, 'utf8')).includes(heading));
  }).map((link) => `${page}: ${link}`);
}

/** Where the links and pictures of a text lead, beside those to other hosts. */
export function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/i.test(link));
}

/** The anchors of a text, as GitHub makes them. */
export function headingsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => {
    const name = slug(title);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}-${before}`;
  });
}

/** HTML of a text that is no comment: GitHub shows nothing where it takes `<queue>` for a tag. */
export function tagsOf(text: string): string[] {
  return withoutCode(text).replace(/`[^`\n]*`/g, '').replace(/<!--.*?-->/gs, '').match(/<(?!https?:)[a-z/][^>\n]*>/gi) ?? [];
}

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```/gms, '');
}
