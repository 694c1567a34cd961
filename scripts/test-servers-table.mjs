/**
 * The results as Markdown: a table with a line for each server and default queue type, and what failed below it.
 *
 * @param {import('./test-servers-table.mjs').Cell[]} cells
 * @param {string[]} suites the columns
 */
export function serversTable(cells, suites) {
  const lines = new Map();
  for (const cell of cells) {
    const key = `${cell.server} | ${cell.type}`;
    lines.set(key, new Map(lines.get(key)).set(cell.suite, cell));
  }
  const head = [`| RabbitMQ | default type | ${suites.join(' | ')} |`, `|---|---|${'---|'.repeat(suites.length)}`];
  const latest = cells.at(-1)?.commit;
  const body = [...lines].sort(([left], [right]) => left.localeCompare(right, 'en', { numeric: true }))
    .map(([key, bySuite]) => `| ${key} | ${suites.map((suite) => text(bySuite.get(suite), latest)).join(' | ')} |`);
  return [...head, ...body, ...details(cells)].join('\n') + '\n';
}

/** Everything that was asked for has been run and nothing failed. */
export function isAllPassed(cells) {
  return cells.length > 0 && cells.every(({ missing, failures, passed }) => missing === undefined && failures.length === 0 && passed > 0);
}

function text(cell, latest) {
  if (cell === undefined) return '';
  if (cell.missing !== undefined) return 'not run';
  const failed = cell.failures.length > 0 ? `**${cell.failures.length} failed**, ` : '';
  const skipped = cell.skipped > 0 ? `, ${cell.skipped} skipped` : '';
  const earlier = cell.commit === latest ? '' : `, at ${cell.commit}`;
  return `${failed}${cell.passed} passed${skipped}, ${duration(cell.seconds)}${earlier}`;
}

function duration(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
}

function details(cells) {
  return cells.flatMap(({ server, type, suite, missing, failures = [], retried = [] }) => {
    const where = `${server} ${type} ${suite}`;
    return [
      ...missing === undefined ? [] : [`- ${where}: not run, because ${missing}`],
      ...failures.map((failure) => `- ${where}: failed: ${failure}`),
      ...retried.map((name) => `- ${where}: passed at the second try: ${name}`),
    ];
  }).map((line, index) => (index === 0 ? `\n${line}` : line));
}
