import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Links of built pages that lead to nothing: `delays.html: /gone.html`, `delays.html: ./results.html#gone`. */
export function deadLinks(site: string): string[] {
  const pages = readdirSync(site, { recursive: true }).map(String).filter((file) => file.endsWith('.html'));
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (page: string): Set<string> => {
    const known = anchors.get(page) ?? new Set([...readFileSync(page, 'utf8').matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id));
    anchors.set(page, known);
    return known;
  };
  return pages.flatMap((page) => [...linksOf(readFileSync(join(site, page), 'utf8'))].filter((link) => {
    const [path = '', anchor = ''] = link.split('#');
    const target = fileOf(path === '' ? join(site, page) : join(path.startsWith('/') ? site : join(site, dirname(page)), decodeURIComponent(path)));
    return target === undefined || (anchor !== '' && target.endsWith('.html') && !anchorsOf(target).has(decodeURIComponent(anchor)));
  }).map((link) => `${page}: ${link}`));
}

function linksOf(html: string): Set<string> {
  return new Set([...html.matchAll(/\s(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link.replaceAll('&amp;', '&')).filter((link) => !/^[a-z]+:/i.test(link)));
}

function fileOf(path: string): string | undefined {
  return [path, join(path, 'index.html')].find((file) => existsSync(file) && statSync(file).isFile());
}
