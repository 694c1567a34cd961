/**
 * GitHub draws bar charts from `mermaid` blocks. Here they become plain HTML: the library that draws them would weigh more
 * than all pages together.
 *
 * @param {import('markdown-it')} md
 */
export function showBarCharts(md) {
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const chart = tokens[index].info.trim() === 'mermaid' ? barChart(tokens[index].content) : undefined;
    return chart === undefined ? fence(tokens, index, ...rest) : html(chart, md.utils.escapeHtml);
  };
}

/** @param {string} source @returns {{ title: string, bars: [string, number][] } | undefined} undefined: another kind of picture */
export function barChart(source) {
  const title = /^\s*title "(.*)"$/m.exec(source)?.[1];
  const names = /^\s*x-axis (\[.*\])$/m.exec(source)?.[1];
  const values = /^\s*bar (\[.*\])$/m.exec(source)?.[1];
  if (title === undefined || names === undefined || values === undefined) return undefined;
  const numbers = JSON.parse(values);
  return { title, bars: JSON.parse(names).map((name, index) => [name, numbers[index] ?? 0]) };
}

function html({ title, bars }, escape) {
  const highest = Math.max(1, ...bars.map(([, value]) => value));
  const rows = bars.map(([name, value]) => `<tr><th scope="row">${escape(name)}</th><td><div class="bar" style="width:${((value / highest) * 100).toFixed(1)}%"></div></td><td class="number">${value.toLocaleString('en')}</td></tr>`);
  return `<figure class="bar-chart"><figcaption>${escape(title)}</figcaption><table><tbody>${rows.join('')}</tbody></table></figure>\n`;
}
