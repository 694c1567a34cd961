export function barChart(source: string): { title: string; bars: [string, number][] } | undefined;
