/** The source with this import, after those that it has; as it is where it has it. */
export function withImport(source: string, name: string, from: string): string {
  if (new RegExp(`import\\s*\\{[^}]*\\b${name}\\b[^}]*\\}\\s*from`).test(source)) return source;
  const line = `import { ${name} } from '${from}';\n`;
  const last = [...source.matchAll(/^import\b[^;]*;[ \t]*\r?\n/gm)].at(-1);
  const at = last === undefined ? 0 : last.index + last[0].length;
  return source.slice(0, at) + line + source.slice(at);
}

/**
 * The source with the expression as one more entry of a list of its `@Module`, as the first. `undefined`: there is no
 * `@Module({` to be found, or its list is no literal.
 */
export function withModuleEntry(source: string, list: 'imports' | 'providers', expression: string): string | undefined {
  const module = /@Module\(\s*\{/.exec(source);
  if (module === null) return undefined;
  const start = module.index + module[0].length;
  const found = new RegExp(`\\b${list}\\s*:\\s*(\\[\\s*)?`).exec(source.slice(start));
  if (found === null) return `${source.slice(0, start)}\n  ${list}: [${expression}],${source.slice(start)}`;
  if (found[1] === undefined) return undefined;
  const at = start + found.index + found[0].length;
  const isEmpty = source[at] === ']';
  return `${source.slice(0, at)}${expression}${isEmpty ? '' : ', '}${source.slice(at)}`;
}

/** The source with `app.enableShutdownHooks()` after the application was made; `undefined` where that is not to be seen. */
export function withShutdownHooks(source: string): string | undefined {
  if (source.includes('enableShutdownHooks(')) return source;
  const made = /^([ \t]*)(?:const|let)\s+(\w+)\s*=\s*await\s+NestFactory\.create[^;]*;[ \t]*\r?\n/m.exec(source);
  if (made === null) return undefined;
  const [whole, indentation, app] = made;
  const at = made.index + whole.length;
  return `${source.slice(0, at)}${indentation}${app}.enableShutdownHooks();\n${source.slice(at)}`;
}
