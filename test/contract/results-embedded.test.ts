import { randomUUID } from 'node:crypto';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { describeResultBackend } from './result-backend-contract.js';

describeResultBackend('embedded: in memory', {
  start: async () => `embedded:#${randomUUID()}`,
  stop: async () => undefined,
});

let folder = '';
describeResultBackend('embedded: in a folder', {
  start: async () => `embedded:${folder = temporaryFolder('results')}`,
  stop: async () => removeFolder(folder),
});
