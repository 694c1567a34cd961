const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function count(value: number | undefined): string {
  return value === undefined ? '–' : whole.format(value);
}

export function rate(value: number): string {
  return `${short.format(value)}/s`;
}

export function duration(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${short.format(ms / 1_000)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor(ms / 1_000) % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  return value < 1024 ** 2 ? `${short.format(value / 1024)} KiB` : `${short.format(value / 1024 ** 2)} MiB`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** As a date and time of this browser, or the time alone where it was today. */
export function instant(at: number): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString() : date.toLocaleString();
}

/** What a field of a date and time holds, in this browser's zone. */
export function localInput(at: string | undefined): string {
  if (at === undefined || at === '') return '';
  const date = new Date(Number(at));
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
