import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withAbsoluteFiles } from '../../../../lib/state/mongodb/absolute-files.js';

describe('withAbsoluteFiles', () => {
  it('makes the files of a MongoDB URL absolute, and leaves all else', () => {
    expect(withAbsoluteFiles('mongodb://u:p@h/d?tls=true&tlsCAFile=./my%20ca.pem&w=majority'))
      .toBe(`mongodb://u:p@h/d?tls=true&tlsCAFile=${encodeURIComponent(resolve('./my ca.pem'))}&w=majority`);
    expect(withAbsoluteFiles('mongodb://h/d?w=1')).toBe('mongodb://h/d?w=1');
  });
});
