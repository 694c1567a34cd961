import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type MarkdownRenderer as MarkdownIt } from 'vitepress';
import { slug } from '../slug.mjs';
import { showBarCharts } from './bar-chart.mjs';

const srcDir = process.env['DISPATCHER_SITE_SOURCE'];
if (srcDir === undefined) throw new Error('The pages are put together first: use "npm run docs".');
const sidebar = JSON.parse(readFileSync(join(srcDir, 'sidebar.json'), 'utf8')) as { text: string; items: { text: string; link: string }[] }[];

function plainText(md: MarkdownIt): void {
  showBarCharts(md);
  // To VitePress, what stands in double braces is an expression; on these pages it is text.
  md.renderer.rules.text = (tokens, index) => md.utils.escapeHtml(tokens[index]?.content ?? '').replaceAll('{{', '&#123;&#123;');
}

export default defineConfig({
  title: 'Dispatcher',
  description: 'A distributed task queue for NestJS: decorated methods run as tasks, on RabbitMQ or with no server at all.',
  lang: 'en',
  srcDir,
  cacheDir: '../node_modules/.vite-docs',
  // The reader's own application, as the tutorial has it.
  ignoreDeadLinks: 'localhostLinks',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  // The pages speak of `<queue>` and the like; none needs HTML.
  markdown: { html: false, anchor: { slugify: slug }, headers: { slugify: slug }, toc: { slugify: slug }, theme: { light: 'github-light', dark: 'github-dark' }, config: plainText },
  vite: { logLevel: 'warn', build: { chunkSizeWarningLimit: 4096 } },
  themeConfig: {
    logo: '/icon.svg',
    sidebar,
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/tutorial' },
      { text: 'Errors', link: '/errors' },
      { text: 'API', link: '/api/' },
    ],
    search: {
      provider: 'local',
      options: { detailedView: true, miniSearch: { searchOptions: { fuzzy: 0.1, prefix: true, boost: { title: 4, text: 2, titles: 1 }, boostDocument: (id: string) => (id.includes('/api/') ? 0.3 : 1) } } },
    },
    footer: { message: 'MIT licence' },
  },
});
