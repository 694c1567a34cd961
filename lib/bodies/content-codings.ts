/** As many as anybody has a reason for; each may hide another. */
const MOST_CODINGS = 4;

/**
 * What stands in `content_encoding`, from the last on as long as it is known: `utf-8, gzip` is `rest` utf-8, which is for
 * the format, and the codings ['gzip'].
 */
export function splitCodings(contentEncoding: string | undefined, isCoding: (name: string) => boolean): { readonly rest: string | undefined; readonly codings: readonly string[] } {
  const names = (contentEncoding ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  let at = names.length;
  while (at > 0 && names.length - at < MOST_CODINGS && isCoding(names[at - 1] as string)) at--;
  if (at === names.length) return { rest: contentEncoding, codings: [] };
  return { rest: at === 0 ? undefined : names.slice(0, at).join(', '), codings: names.slice(at) };
}

export function joinCodings(rest: string | undefined, codings: readonly string[]): string | undefined {
  const names = rest === undefined ? codings : [rest, ...codings];
  return names.length === 0 ? undefined : names.join(', ');
}
