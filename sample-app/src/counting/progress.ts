import { Presets, SingleBar } from 'cli-progress';

/** How far a number of things has come. */
export interface Progress {
  add(): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a line for each tenth, which reads well in a log. */
export function startProgress(what: string, total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? bar(what, total, stream) : lines(what, total, stream);
}

function bar(what: string, total: number, stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar({ format: `${what} {bar} {value}/{total} | {percentage}% | {eta_formatted} left`, hideCursor: true, stream }, Presets.shades_classic);
  single.start(total, 0);
  return { add: () => single.increment(), stop: () => single.stop() };
}

function lines(what: string, total: number, stream: NodeJS.WriteStream): Progress {
  let done = 0;
  let written = 0;
  return {
    add: () => {
      const tenth = Math.floor((++done * 10) / total);
      if (tenth === written) return;
      written = tenth;
      stream.write(`${what}: ${done} of ${total}\n`);
    },
    stop: () => undefined,
  };
}
