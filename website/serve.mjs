import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.json': 'application/json', '.svg': 'image/svg+xml', '.png': 'image/png', '.txt': 'text/plain', '.md': 'text/markdown' };

/**
 * Serves files as any host of static pages does, for a look on this machine.
 *
 * @param {string} folder
 * @param {number} port 0 takes any free one
 * @returns {Promise<import('node:http').Server>} listening on 127.0.0.1
 */
export function serve(folder, port = 0) {
  const server = createServer((request, response) => {
    const file = fileOf(folder, request.url ?? '/');
    const found = file ?? join(folder, '404.html');
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': `${TYPES[extname(found)] ?? 'application/octet-stream'}; charset=utf-8` });
    createReadStream(found).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function fileOf(folder, url) {
  let path;
  try {
    path = decodeURIComponent(url.split(/[?#]/)[0]);
  } catch {
    return undefined;
  }
  // Normalized from the root, so that no ".." leads out of the folder.
  const file = join(folder, normalize(join('/', path)));
  const found = [file, join(file, 'index.html')].find((candidate) => !candidate.includes('\0') && statSync(candidate, { throwIfNoEntry: false })?.isFile());
  return found;
}
