import { describe, expect, it } from 'vitest';
import { mirrorOf } from '../../../scripts/debian-mirror.mjs';

const DEB822 = `# A comment
Types: deb
# and another
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;
const OF_OTHERS = 'deb [arch=amd64 signed-by=/key.gpg] https://vendor.example/linux bookworm stable\ndeb https://other.example/apt nodistro main\n';

describe('the mirror of Debian that apt is set to', () => {
  it('is read from stanzas, beside what other vendors offer', () => {
    expect(mirrorOf('bookworm', [{ name: 'a.list', text: OF_OTHERS }, { name: 'debian.sources', text: DEB822 }])).toBe('http://mirror.example/debian');
  });

  it('is read from entries of one line', () => {
    const text = '# deb http://old.example/debian bookworm main\ndeb-src http://source.example/debian bookworm main\n'
      + 'deb [trusted=yes] https://one.example/debian bookworm main contrib # ours\ndeb http://one.example/debian-security bookworm-security main\n';
    expect(mirrorOf('bookworm', [{ name: 'sources.list', text }])).toBe('https://one.example/debian');
  });

  it('goes over lines of a field that are continued', () => {
    const text = 'Types: deb\nURIs:\n http://folded.example/debian\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n';
    expect(mirrorOf('bookworm', [{ name: 'x.sources', text }])).toBe('http://folded.example/debian');
  });

  it.each([
    ['of another release', DEB822.replaceAll('bookworm', 'bullseye')],
    ['switched off', `Enabled: no\n${DEB822.split('\n\n')[0]}`],
    ['that is no web address', DEB822.replaceAll('http://', 'file:/')],
  ])('is none %s', (_, text) => {
    expect(mirrorOf('bookworm', [{ name: 'debian.sources', text }])).toBeUndefined();
  });
});
