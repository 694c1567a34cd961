import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Instead of what apt uses, or where this machine's apt has no mirror of Debian. */
const OVERRIDE = 'DISPATCHER_TEST_DEBIAN_MIRROR';

/**
 * The mirror of Debian's archive that this machine's own apt is set to, or undefined where it has none
 * (Ubuntu, for one, has another archive).
 */
export function debianMirror(env = process.env, etc = '/etc') {
  if (env[OVERRIDE]) return env[OVERRIDE];
  const codename = /^VERSION_CODENAME=["']?(\w+)/m.exec(read(join(etc, 'os-release')))?.[1];
  if (codename === undefined || !existsSync(join(etc, 'debian_version'))) return undefined;
  return mirrorOf(codename, sourceFiles(join(etc, 'apt')).map((file) => ({ name: file, text: read(file) })));
}

/** What to do where there is none, for people. */
export const HOW_TO_NAME_A_MIRROR = `Name a mirror of Debian in ${OVERRIDE} (the URL that apt would have for "debian").`;

/**
 * The mirror that has the release itself, with its component `main`: security updates and what other vendors
 * offer for the release have suites of other names or other components.
 *
 * @param {{ name: string, text: string }[]} sources files of one-line entries (`.list`) or of stanzas (`.sources`)
 * @returns {string | undefined}
 */
export function mirrorOf(codename, sources) {
  const entries = sources.flatMap(({ name, text }) => (name.endsWith('.sources') ? stanzas(text) : lines(text)));
  const fitting = entries.filter(({ suites, components }) => suites.includes(codename) && components.includes('main'));
  const mirrors = fitting.flatMap(({ uris }) => uris).filter((uri) => /^https?:\/\//.test(uri)).map((uri) => uri.replace(/\/+$/, ''));
  return mirrors.find((uri) => uri.endsWith('/debian')) ?? mirrors[0];
}

/** `deb [options] URI suite component...` */
function lines(text) {
  return text.split('\n').flatMap((line) => {
    const [, uri, suite, components] = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line) ?? [];
    return uri === undefined ? [] : [{ uris: [uri], suites: [suite], components: words(components) }];
  });
}

/** Deb822: fields of `Name: value`, continued on lines that begin with a blank; stanzas are parted by empty lines. */
function stanzas(text) {
  const withoutComments = text.split('\n').filter((line) => !line.startsWith('#')).join('\n');
  return withoutComments.split(/\n\s*\n/).map((stanza) => {
    const fields = new Map(stanza.replaceAll(/\n[ \t]+/g, ' ').split('\n')
      .map((line) => /^([\w-]+):\s*(.*)$/.exec(line)).filter((found) => found !== null).map(([, name, value]) => [name.toLowerCase(), words(value)]));
    const get = (name) => fields.get(name) ?? [];
    const used = get('types').includes('deb') && get('enabled')[0]?.toLowerCase() !== 'no';
    return { uris: used ? get('uris') : [], suites: get('suites'), components: get('components') };
  });
}

function words(text) {
  return text.split(/\s+/).filter((word) => word !== '');
}

function sourceFiles(apt) {
  const parts = join(apt, 'sources.list.d');
  const inParts = existsSync(parts) ? readdirSync(parts).sort().map((name) => join(parts, name)) : [];
  return [join(apt, 'sources.list'), ...inParts].filter((file) => /\.(list|sources)$/.test(file));
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
