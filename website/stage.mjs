import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Pages outside of `docs/`, by their names on the site. */
const FROM_THE_ROOT = { 'README.md': 'readme.md', 'CHANGELOG.md': 'changelog.md', 'CONTRIBUTING.md': 'contributing.md' };
/** What is linked and is no page goes along as a file. */
const FILES = { LICENSE: 'license.txt', 'docs/api.txt': 'api.txt' };

/**
 * Puts the pages together as the site has them, in a folder of their own: the sources stay what GitHub shows.
 *
 * @param {string} root of the project
 * @param {string} folder
 */
export function stage(root, folder) {
  for (const [from, to] of pagesOf(root)) {
    const target = join(folder, to);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, sitePage(readFileSync(join(root, from), 'utf8'), from, to));
  }
  writeFileSync(join(folder, 'index.md'), readFileSync(join(root, 'website/index.md')));
  cpSync(join(root, 'docs/images'), join(folder, 'images'), { recursive: true });
  mkdirSync(join(folder, 'public'), { recursive: true });
  cpSync(join(root, 'website/public'), join(folder, 'public'), { recursive: true });
  for (const [from, to] of Object.entries(FILES)) cpSync(join(root, from), join(folder, 'public', to));
}

/** @returns {[string, string][]} where each page comes from, and its name on the site */
function pagesOf(root) {
  const docs = readdirSync(join(root, 'docs'), { recursive: true }).map((file) => String(file).replaceAll('\\', '/')).filter((file) => file.endsWith('.md'));
  return [...Object.entries(FROM_THE_ROOT), ...docs.map((file) => [`docs/${file}`, file])];
}

/** Without what is hidden on GitHub too, and with links between the places that the pages have here. */
export function sitePage(text, from, to) {
  return outsideCode(text, (prose) => prose
    .replace(/<!--.*?-->\n?/gs, '')
    .replace(/\]\(([^)\s]+)\)/g, (_, link) => `](${siteLink(link, from, to)})`));
}

function siteLink(link, from, to) {
  if (/^([a-z]+:|#)/i.test(link)) return link;
  const [path, heading] = link.split('#');
  const target = posix.normalize(posix.join(posix.dirname(from), path));
  if (FILES[target] !== undefined) return `/${FILES[target]}`;
  const page = FROM_THE_ROOT[target] ?? target.replace(/^docs\//, '');
  const relative = posix.relative(posix.dirname(to), page);
  return `${relative.startsWith('.') ? relative : `./${relative}`}${heading === undefined ? '' : `#${heading}`}`;
}

/** Applies `change` to what stands between blocks of code. */
function outsideCode(text, change) {
  return text.split(/^(```.*?^```$)/gms).map((part, index) => (index % 2 === 0 ? change(part) : part)).join('');
}
