const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The members of a JSON object by their names, each as the text that it came as: what is not changed is written as it was
 * found, numbers of any size and `1.0` included. Of two equal names the last one counts, in the place of the first.
 */
export class JsonMembers {
  private constructor(private readonly members: Map<string, string>) {}

  /** @throws SyntaxError for what is no JSON, and for what is no object */
  static parse(text: string): JsonMembers {
    const content: unknown = JSON.parse(text);
    if (typeof content !== 'object' || content === null || Array.isArray(content)) throw new SyntaxError('it is no JSON object');
    return new JsonMembers(readMembers(text));
  }

  static of(members: Readonly<Record<string, string>>): JsonMembers {
    return new JsonMembers(new Map(Object.entries(members)));
  }

  has(name: string): boolean {
    return this.members.has(name);
  }

  /** As text. */
  raw(name: string): string | undefined {
    return this.members.get(name);
  }

  /** As JavaScript reads it: only for what a double can hold. */
  value(name: string): unknown {
    const text = this.members.get(name);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** As JSON; in its old place, or at the end. */
  set(name: string, text: string): this {
    this.members.set(name, text);
    return this;
  }

  delete(...names: readonly string[]): this {
    for (const name of names) this.members.delete(name);
    return this;
  }

  toString(): string {
    return `{${[...this.members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  }
}

/** Of a text that is known to be an object. */
function readMembers(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = text.indexOf('{') + 1;
  for (;;) {
    const nameAt = text.indexOf('"', at);
    if (nameAt < 0 || endOfObject(text, at, nameAt)) return members;
    const nameEnd = endOfString(text, nameAt);
    const valueAt = text.indexOf(':', nameEnd) + 1;
    const valueEnd = endOfValue(text, valueAt);
    members.set(JSON.parse(text.slice(nameAt, nameEnd)) as string, text.slice(valueAt, valueEnd).trim());
    at = valueEnd + 1;
  }
}

/** Behind the last value: the next quote is not of this object, or there is none. */
function endOfObject(text: string, from: number, quoteAt: number): boolean {
  return text.slice(from, quoteAt).includes('}') || text.slice(from - 1, from) === '}';
}

/** Where the value ends that begins here: at the comma, or at the brace, that is its object's. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; ; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: at = endOfString(text, at) - 1; break;
      case 0x7b: case 0x5b: depth++; break;
      case 0x7d: case 0x5d: if (depth-- === 0) return at; break;
      case 0x2c: if (depth === 0) return at; break;
      default:
    }
  }
}

/** Behind the quote that ends the string which begins here. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
}
