import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Application, Converter, OptionDefaults } from 'typedoc';
import { slug } from './slug.mjs';

/** TypeDoc's folders in the order of the sidebar, and what stands on their pages. */
const KINDS = [['classes', 'Classes'], ['functions', 'Functions and decorators'], ['interfaces', 'Interfaces'], ['type-aliases', 'Types'], ['variables', 'Constants']];

/**
 * Writes the pages on what the package exports, from its docstrings: a page for each kind of name and entry point, since
 * one for each of hundreds of names would make the site ten times as large and slow to build.
 *
 * @param {string} root of the project
 * @param {string} folder where the pages go; it must not be there yet
 * @returns {Promise<{ text: string, link: string }[]>} the sidebar; links are relative to the folder
 */
export async function apiReference(root, folder) {
  const entries = entryPoints(root);
  const written = join(folder, 'by-name');
  await writePages(root, entries, written);
  const pages = entries.flatMap((entry) => KINDS.map(([kind, title]) => ({ entry, kind, title, names: namesIn(join(written, entry.folder, kind)) }))).filter(({ names }) => names.length > 0);
  for (const page of pages) {
    mkdirSync(join(folder, page.entry.folder), { recursive: true });
    writeFileSync(join(folder, page.entry.folder, `${page.kind}.md`), kindPage(written, page));
  }
  rmSync(written, { recursive: true });
  writeFileSync(join(folder, 'index.md'), overview(entries, pages));
  return [{ text: 'All names', link: '' }, ...pages.map(({ entry, kind, title }) => ({ text: entry.path === '' ? title : `${entry.path.slice(1)}: ${title.toLowerCase()}`, link: `${entry.folder}/${kind}` }))];
}

async function writePages(root, entries, out) {
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'], entryPoints: entries.map(({ source }) => source), tsconfig: join(root, 'tsconfig.json'), basePath: root,
    // Types are checked elsewhere, and by all tests.
    skipErrorChecking: true, readme: 'none', name: 'API reference', logLevel: 'Error', router: 'member', out, entryFileName: 'index',
    excludePrivate: true, excludeProtected: true, excludeInternal: true, excludeExternals: true, disableSources: true, githubPages: false,
    modifierTags: [...OptionDefaults.modifierTags, '@publicApi'], excludeTags: ['@publicApi'], hidePageHeader: true, hideBreadcrumbs: true,
  });
  // TypeDoc names a module after its file, more or less of the path included.
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = (entries.find(({ path }) => path !== '' && module.name.replace(/\/index$/, '').endsWith(path.slice(1))) ?? entries[0]).folder;
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources; its own words are above.');
  await app.generateOutputs(project);
}

/** Each sub-path of the package with the source of its types, from the package's own manifest. */
function entryPoints(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports).filter(([, target]) => target.types !== undefined).map(([subPath, { types }]) => ({
    path: subPath.slice(1), folder: subPath === '.' ? 'core' : subPath.slice(2).replaceAll('/', '-'), source: join(root, types.replace(/^\.\/dist\//, '').replace(/\.d\.(m?)ts$/, '.$1ts')),
  }));
}

function namesIn(folder) {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.md')).map((file) => file.slice(0, -3)).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  } catch {
    return [];
  }
}

function kindPage(written, { entry, kind, title, names }) {
  const parts = names.map((name) => part(readFileSync(join(written, entry.folder, kind, `${name}.md`), 'utf8'), { folder: entry.folder, kind, name }));
  return `---\noutline: 2\n---\n\n# ${title} of nestjs-dispatcher${entry.path}\n\n${parts.join('\n')}`;
}

/** One name as a part of the page of its kind: a level down, with anchors that tell it from its neighbours. */
function part(text, at) {
  const seen = new Map();
  return text.split(/^(```.*?^```$)/gms).map((piece, index) => (index % 2 === 1 ? piece : piece
    .replace(/\]\(([^)\s]+)\)/g, (whole, link) => (/^[a-z]+:/i.test(link) ? whole : `](${linkFrom(link, at)})`))
    .replace(/^(#+) (.+)$/gm, (_, marks, heading) => {
      // TypeDoc's words before a name ("Class: Workflow") say what the page says already.
      if (marks === '#') return `## ${heading.replace(/^[A-Z][\w ]*: /, '')} {#${slug(at.name)}}`;
      const anchor = numbered(slug(heading.replaceAll('\\', '')), seen);
      return `#${marks} ${heading} {#${slug(at.name)}-${anchor}}`;
    }))).join('');
}

function numbered(anchor, seen) {
  const before = seen.get(anchor) ?? 0;
  seen.set(anchor, before + 1);
  return before === 0 ? anchor : `${anchor}-${before}`;
}

/** From the page of a name to the page of a kind. */
function linkFrom(link, { folder, kind, name }) {
  const [path, heading] = link.split('#');
  const target = path === '' ? `${folder}/${kind}/${name}` : posix.normalize(`${folder}/${kind}/${path}`).replace(/\.md$/, '');
  const [toFolder, toKind, toName] = target.split('/');
  // What has no page of its own, as a namespace that only adds to somebody else's types, is found from the overview.
  if (toName === undefined || !KINDS.some(([known]) => known === toKind)) return '../index.md';
  return `../${toFolder}/${toKind}.md#${slug(toName)}${heading === undefined ? '' : `-${heading}`}`;
}

function overview(entries, pages) {
  const parts = entries.map((entry) => [
    `## nestjs-dispatcher${entry.path}`,
    ...pages.filter((page) => page.entry === entry).map(({ kind, title, names }) => `**${title}**: ${names.map((name) => `[${name}](./${entry.folder}/${kind}.md#${slug(name)})`).join(' · ')}`),
  ].join('\n\n'));
  return `---\noutline: 2\n---\n\n# API reference\n\nEverything that the package exports, from its docstrings. What is not here is no part of the public API.\n\n${parts.join('\n\n')}\n`;
}
