import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
// The test concerns whatever changes these, as a run of what a change concerns has to know.
import '../../../lib/index.js';
import '../../../lib/dashboard/index.js';
import '../../../lib/contract-suites/index.js';
import '../../../lib/marshallers/cbor.js';
import '../../../lib/marshallers/messagepack.js';
import '../../../lib/s3/index.js';
import '../../../lib/terminus/index.js';
import '../../../lib/testing/index.js';
import '../../../lib/opentelemetry/index.js';
import '../../../lib/prometheus/index.js';
import '../../../lib/outbox/index.js';
import { API_FILE, publicApi } from '../../../scripts/api.mjs';

// It reads all sources and the declarations of Nest: some ten seconds, and more where others use the machine.
it('the public names and their signatures are those of docs/api.txt', () => {
  expect(publicApi(), 'What the package exports has changed. If that is meant, run "npm run api", look at the difference, and tell of it in CHANGELOG.md')
    .toBe(readFileSync(API_FILE, 'utf8'));
}, 180_000);
