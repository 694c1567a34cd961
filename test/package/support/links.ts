import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Links of a page that lead to a file that is not among `files`, or to a heading that its page has not. */
export function brokenLinks(page: string, files: readonly string[]): string[] {
  return linksOf(readFileSync(page, 'utf8')).filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    return !files.includes(target) || (heading !== undefined && !headingsOf(readFileSync(target, 'utf8')).includes(heading));
  }).map((link) => `${page}: ${link}`);
}

function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/i.test(link));
}

function headingsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => {
    const name = title.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}-${before}`;
  });
}

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```/gms, '');
}
