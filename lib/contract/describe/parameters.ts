/** What the code of a handler says of one of its task's arguments. */
export interface DeclaredParameter {
  readonly name?: string;
  /** Declared in TypeScript, where the compiler has kept it. */
  readonly type?: 'string' | 'boolean' | 'number' | 'bigint';
  /** It has a default. */
  readonly isOptional?: true;
  /** It stands for all further arguments. */
  readonly isRest?: true;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const OPENING = '([{';
const CLOSING = ')]}';

/** The parameters of a function as its source has them; of one that is not written in JavaScript, none. */
export function parametersOfSource(source: string): DeclaredParameter[] {
  return partsOf(source).map((part) => {
    const isRest = part.startsWith('...');
    const [, name = '', isOptional] = /^(?:\.\.\.)?\s*([^\s=]+)\s*(=(?![>=]))?/su.exec(part) ?? [];
    return {
      ...IDENTIFIER.test(name) ? { name } : {},
      ...isOptional === undefined ? {} : { isOptional: true as const },
      ...isRest ? { isRest: true as const } : {},
    };
  });
}

/** What stands between the first parentheses, at its commas. */
function partsOf(source: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (let at = 0; at < source.length;) {
    const skipped = endOfText(source, at);
    if (skipped > at) {
      if (depth > 0 && !source.startsWith('/', at)) part += source.slice(at, skipped);
      at = skipped;
      continue;
    }
    const character = source.charAt(at++);
    if (CLOSING.includes(character) && --depth === 0) break;
    if (character === ',' && depth === 1) {
      parts.push(part.trim());
      part = '';
    } else if (depth > 0) {
      part += character;
    }
    if (OPENING.includes(character)) depth++;
  }
  return [...parts, part.trim()].filter((one) => one !== '');
}

/** Behind the comment or the text in quotes that begins here; here, where none does. */
function endOfText(source: string, at: number): number {
  const two = source.slice(at, at + 2);
  if (two === '//') return endAfter(source, '\n', at);
  if (two === '/*') return endAfter(source, '*/', at);
  const quote = two.charAt(0);
  if (quote !== '"' && quote !== "'" && quote !== '`') return at;
  for (let end = at + 1; end < source.length; end++) {
    if (source.charAt(end) === '\\') end++;
    else if (source.charAt(end) === quote) return end + 1;
  }
  return source.length;
}

function endAfter(source: string, text: string, from: number): number {
  const found = source.indexOf(text, from);
  return found === -1 ? source.length : found + text.length;
}
