import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError, DispatcherError, InvalidTaskError, ScheduleExistsError, UnknownScheduleError, UnroutableTaskError } from 'nestjs-dispatcher';
import { MOST_BODY_BYTES } from './body-limit.js';

interface Answer {
  statusCode: number;
  code: string;
  message: string;
}

/**
 * Every error as `{ statusCode, code, message }`. 400: not a task at all (readTask). 422: a task, but one that
 * cannot be taken as it is. 404: there is no such queue. 503: the broker is away or closing; the same request may succeed later.
 */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const answer = this.answerTo(error);
    if (answer.statusCode === 503) httpAdapter.setHeader(response, 'Retry-After', '1');
    httpAdapter.reply(response, answer, answer.statusCode);
  }

  private answerTo(error: unknown): Answer {
    if (error instanceof InvalidTaskError || error instanceof UnroutableTaskError || error instanceof ConfigurationError) return answer(422, error.code, error.message);
    if (error instanceof UnknownScheduleError) return answer(404, error.code, error.message);
    if (error instanceof ScheduleExistsError) return answer(409, error.code, error.message);
    if (error instanceof DispatcherError && error.code === 'ERR_DISPATCHER_NOT_FOUND') return answer(404, error.code, error.message);
    if (error instanceof DispatcherError) return answer(503, error.code, error.message);
    return fromHttp(error) ?? this.unexpected(error);
  }

  private unexpected(error: unknown): Answer {
    this.logger.error(error instanceof Error ? error.stack : String(error));
    return answer(500, 'ERR_SAMPLE_INTERNAL', 'Something went wrong here; the log of this app has the details.');
  }
}

/** What Nest, or the body parser before any code of ours, has to say. */
function fromHttp(error: unknown): Answer | undefined {
  const status = error instanceof HttpException ? error.getStatus() : (error as { status?: unknown } | undefined)?.status;
  if (typeof status !== 'number' || status < 400) return undefined;
  if (status === 413) {
    return answer(422, 'ERR_SAMPLE_TOO_LARGE', `The body is larger than ${MOST_BODY_BYTES} bytes. Store the data elsewhere and pass its key as the argument.`);
  }
  const content = error instanceof HttpException ? error.getResponse() : undefined;
  if (typeof content === 'object' && 'code' in content) return content as Answer;
  return answer(status, 'ERR_SAMPLE_HTTP', (error as Error).message);
}

function answer(statusCode: number, code: string, message: string): Answer {
  return { statusCode, code, message };
}
