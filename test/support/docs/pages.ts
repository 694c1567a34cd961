import { readdirSync } from 'node:fs';

/** What users read: the pages of the project, by their paths from its root. */
export const PAGES: readonly string[] = [
  'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true }).map((file) => `docs/${String(file).replaceAll('\\', '/')}`).filter((file) => file.endsWith('.md')).sort(),
];
