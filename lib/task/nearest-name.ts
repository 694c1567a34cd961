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
  let distance = b.length;
  for (let i = 0; i < a.length; i++) {
    let diagonal = i;
    row = row.map((above, j) => {
      const substituted = diagonal + (a[i] === b[j - 1] ? 0 : 1);
      distance = j === 0 ? i + 1 : Math.min(substituted, above + 1, distance + 1);
      diagonal = above;
      return distance;
    });
  }
  return distance;
}
