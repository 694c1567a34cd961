/** The known name that a misspelt one most likely stands for; `undefined` when none is near. */
export function nearestName(found: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(2, Math.ceil(found.length / 3)) + 1;
  for (const name of known) {
    const distance = isBeginning(found, name) ? 1 : editDistance(found.toLowerCase(), name.toLowerCase());
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

/** `timeout` means `timeoutSeconds`, however far apart they are. */
function isBeginning(found: string, name: string): boolean {
  return found.length >= 4 && name.toLowerCase().startsWith(found.toLowerCase());
}

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
