import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The sidebar: what a reader wants, and the pages that say it, by their names in `docs/` without `.md`. A page that is
 * named nowhere comes last in the section that takes its folder, so that whoever adds one need not come here.
 */
export const SECTIONS = [
  { title: 'Start', pages: ['readme', 'tutorial', 'sample-app'] },
  { title: 'Guides', folder: 'guides', pages: [] },
  { title: 'Features', folder: '.', pages: [
    'routing', 'delays', 'results', 'schemas', 'contract', 'testing-kit', 'middleware', 'pluggable', 'marshallers', 'bodies', 'claim-check', 'threads', 'limits', 'batches', 'uniqueness', 'debounce', 'order', 'priorities', 'schedules', 'workflows', 'durable-steps', 'outbox', 'dead-letters', 'control', 'inspection', 'events',
  ] },
  { title: 'Operating', pages: ['operating', 'threat-model', 'start-and-stop', 'opentelemetry', 'prometheus', 'kubernetes', 'delivery-guarantees', 'rabbitmq', 'redis', 'rights', 'result-backends', 'dashboard', 'command-line', 'performance'] },
  { title: 'Other systems', folder: 'interop', pages: ['interop/formats'] },
  { title: 'Moving over', folder: 'moving', pages: ['comparison'] },
  { title: 'Reference', pages: ['errors', 'wire-format', 'changelog'] },
  { title: 'For contributors', pages: ['contributing', 'ARCHITECTURE', 'testing', 'model', 'releasing'] },
];

/**
 * The sections with all pages that there are.
 *
 * @param {string} folder of the pages, each with its name on the site
 * @returns {{ title: string, pages: string[] }[]}
 */
export function sectionsOf(folder) {
  const found = readdirSync(folder, { recursive: true }).map(String).filter((file) => file.endsWith('.md')).map((file) => file.slice(0, -3).replaceAll('\\', '/'));
  const named = new Set(['index', ...SECTIONS.flatMap(({ pages }) => pages)]);
  const rest = found.filter((page) => !named.has(page)).sort();
  return SECTIONS.map(({ title, folder: takes, pages }) => ({
    title, pages: [...pages.filter((page) => found.includes(page)), ...rest.filter((page) => takes === (page.includes('/') ? page.slice(0, page.indexOf('/')) : '.'))],
  }));
}

/** Pages that a section names, and that are not there. @param {string} folder */
export function missingPages(folder) {
  const found = new Set(readdirSync(folder, { recursive: true }).map((file) => join('/', String(file))));
  return SECTIONS.flatMap(({ pages }) => pages).filter((page) => !found.has(join('/', `${page}.md`)));
}
