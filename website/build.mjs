/**
 * `npm run docs`: builds the documentation as static files into `site/`. `-- --serve [--port 8080]` shows them then;
 * `-- --out FOLDER` names another folder, `-- --base /docs/` where they will stand on their host.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { apiReference } from './api-reference.mjs';
import { llmsTexts, titleOf } from './llms.mjs';
import { sectionsOf } from './pages.mjs';
import { serve } from './serve.mjs';
import { stage } from './stage.mjs';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { serve: { type: 'boolean' }, port: { type: 'string', default: '8080' }, out: { type: 'string', default: join(root, 'site') }, base: { type: 'string', default: '/' } } });
const out = resolve(values.out);

await build();
console.log(`The site is in ${out}.`);
if (values.serve) {
  await serve(out, Number(values.port));
  console.log(`It is at http://127.0.0.1:${values.port}/ until Ctrl-C.`);
}

async function build() {
  // Inside the project: only there do the pages find the packages that show them.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const source = mkdtempSync(join(root, '.cache/site-'));
  try {
    stage(root, source);
    const texts = llmsTexts(source, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).description);
    const pages = sectionsOf(source).filter(({ pages: some }) => some.length > 0);
    const api = await apiReference(root, join(source, 'api'));
    writeFileSync(join(source, 'sidebar.json'), JSON.stringify([...pages.map((section) => sidebarSection(source, section)), { text: 'API', items: api.map(({ text, link }) => ({ text, link: `/api/${link}` })) }]));
    process.env.DISPATCHER_SITE_SOURCE = source;
    const vitepress = await import('vitepress');
    await vitepress.build(import.meta.dirname, { outDir: out, base: values.base, emptyOutDir: true });
    writeFileSync(join(out, 'llms.txt'), texts.list);
    writeFileSync(join(out, 'llms-full.txt'), texts.full);
    copyPages(source, pages);
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

function sidebarSection(source, { title, pages }) {
  return { text: title, items: pages.map((page) => ({ text: titleOf(readFileSync(join(source, `${page}.md`), 'utf8')), link: `/${page}` })) };
}

/** What `llms.txt` names: the pages as they were written. */
function copyPages(source, sections) {
  for (const page of sections.flatMap(({ pages }) => pages)) {
    mkdirSync(dirname(join(out, page)), { recursive: true });
    cpSync(join(source, `${page}.md`), join(out, `${page}.md`));
  }
  // Beside it stand what pages show.
  cpSync(join(source, 'images'), join(out, 'images'), { recursive: true });
}
