/** What keeps a process alive without that anybody waits for it: streams of the runner, servers, messages between processes. */
const STANDING = new Set(['TTYWrap', 'PipeWrap', 'MessagePort', 'ProcessWrap', 'TCPServerWrap', 'StreamPipe', 'SignalWrap', 'FSEventWrap', 'StatWatcher', 'Worker']);

/**
 * Whether something of the real world is under way in this process: a timer that was set since, a socket, a file, a
 * query. Where nothing is, a handler that has not ended waits for time, or for ever.
 */
export class RealWork {
  private readonly timersBefore = count('Timeout');

  get isPending(): boolean {
    const active = process.getActiveResourcesInfo();
    return active.some((kind) => kind !== 'Timeout' && !STANDING.has(kind)) || count('Timeout', active) > this.timersBefore;
  }
}

function count(kind: string, active = process.getActiveResourcesInfo()): number {
  return active.filter((one) => one === kind).length;
}
