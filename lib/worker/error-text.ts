/** `Name: message` of an error, or the text of whatever was thrown. Never throws itself. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'something was thrown that has no text';
  }
}
