/** What the HTTP API reads of one request: as much as a task may have by default (`maxTaskBytes`). */
export const MOST_BODY_BYTES = 16 * 1024 * 1024;
