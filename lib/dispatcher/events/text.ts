/** One line, whatever a task or a server has put into it: control characters would forge or break log lines. */
export function oneLine(text: string, limit = 1000): string {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return clean.length > limit ? `${clean.slice(0, limit)}...` : clean;
}
