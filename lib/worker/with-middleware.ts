import type { Handler } from './handler.js';
import type { RunMiddleware } from './middleware.js';
import { Passage } from './passage.js';

type Run = Handler['run'];

/** The handler inside these middlewares, the first one outermost. Made once, at start; without any it is the handler itself. */
export function withMiddleware(handler: Handler, middlewares: readonly RunMiddleware[]): Handler {
  if (middlewares.length === 0) return handler;
  return { ...handler, run: middlewares.reduceRight<Run>((inner, middleware) => around(middleware, inner), (args, context) => handler.run(args, context)) };
}

function around(middleware: RunMiddleware, inner: Run): Run {
  const name = middleware.name || 'without a name';
  return async (args, context) => {
    const passage = new Passage<unknown>(name, () => inner(args, context));
    let result: unknown;
    try {
      result = await middleware(context, passage.next, args);
    } catch (error) {
      // The slot is not free while the handler still runs, whoever has stopped waiting for it.
      await passage.settled();
      throw error;
    }
    return resultOf(passage, result);
  };
}

async function resultOf(passage: Passage<unknown>, result: unknown): Promise<unknown> {
  // What the middleware has seen fail and did not throw, it has dealt with.
  const dealtWith = passage.isSeen;
  const inner = await passage.settled();
  if (passage.defect !== undefined) throw passage.defect;
  if (inner?.status === 'rejected' && !dealtWith) throw inner.reason;
  return result === undefined && inner?.status === 'fulfilled' ? inner.value : result;
}
