import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sectionsOf } from './pages.mjs';

/**
 * What https://llmstxt.org describes: a list of the pages for programs that read them, and all of them in one file.
 *
 * @param {string} folder the staged pages
 * @param {string} about what the package is, in a sentence without its full stop
 * @returns {{ list: string, full: string }}
 */
export function llmsTexts(folder, about) {
  const sections = sectionsOf(folder).filter(({ pages }) => pages.length > 0).map(({ title, pages }) => ({ title, pages: pages.map((path) => ({ path, text: readFileSync(join(folder, `${path}.md`), 'utf8') })) }));
  const head = `# Dispatcher for NestJS\n\n> ${about}.\n\nInstall it with \`npm install nestjs-dispatcher\`. The same pages are in the package, in \`node_modules/nestjs-dispatcher/docs\`.\n`;
  const lists = sections.map(({ title, pages }) => `## ${title}\n\n${pages.map(({ path, text }) => `- [${titleOf(text)}](${path}.md): ${firstSentence(text)}`).join('\n')}\n`);
  const whole = sections.flatMap(({ pages }) => pages).map(({ path, text }) => `<!-- ${path}.md -->\n\n${text.trim()}\n`);
  return { list: [head, ...lists].join('\n'), full: whole.join('\n') };
}

/** @param {string} text of a page */
export function titleOf(text) {
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? 'Untitled';
}

/** The first sentence that stands as such: no heading, table, list or code. Links in it lead nowhere from elsewhere, so only their words stay. */
export function firstSentence(text) {
  const paragraph = text.replace(/^```.*?^```$/gms, '').split(/\n\s*\n/).map((part) => part.trim()).find((part) => /^[\p{L}\p{N}`*[]/u.test(part)) ?? '';
  const plain = paragraph.replace(/\s+/g, ' ').replace(/ ?\(\[[^\]]*\]\([^)]*\)\)/g, '').replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
  return /^.*?[.:!?](?= [\p{Lu}`]|$)/u.exec(plain)?.[0].replace(/:$/, '.') ?? plain;
}
