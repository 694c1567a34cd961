import { defineConfig } from 'vite';

/** Static files with hashes in their names, beside the server that serves them; no inline script or style, which its CSP would refuse. */
export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page works below any path.
  base: './',
  publicDir: false,
  cacheDir: '../node_modules/.vite-dashboard',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/lib/dashboard/ui', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: true,
  },
});
