import { Controller, Delete, Get, HttpCode, NotFoundException, Param, Post, Query } from '@nestjs/common';
import { type DeadLetter, DispatcherService, type ReplaySummary } from 'nestjs-dispatcher';

/** What a person wants to know of a dead letter; its body is left out. */
type Letter = Omit<DeadLetter, 'body' | 'headers'>;

/** The tasks that could not be run: look at them, run them anew, or throw them away. */
@Controller('queues/:queue/dead-letters')
export class DeadLettersController {
  constructor(private readonly dispatcher: DispatcherService) {}

  /** A page, the oldest first; `next` is the `after` of the next one. */
  @Get()
  async list(@Param('queue') queue: string, @Query('after') after?: string, @Query('name') name?: string): Promise<{ letters: Letter[]; next?: string; total: number }> {
    const { letters, next, total } = await this.dispatcher.deadLetters.list(queue, { after, filter: named(name) });
    return { letters: letters.map(readable), next, total };
  }

  @Get(':id')
  async look(@Param('queue') queue: string, @Param('id') id: string): Promise<Letter> {
    const letter = await this.dispatcher.deadLetters.get(queue, id);
    if (letter === undefined) throw none(queue, id);
    return readable(letter);
  }

  /** All of them, or those of one task name. */
  @Post('replay')
  @HttpCode(200)
  replayAll(@Param('queue') queue: string, @Query('name') name?: string): Promise<ReplaySummary> {
    return this.dispatcher.deadLetters.replayAll(queue, { filter: named(name) });
  }

  @Post(':id/replay')
  @HttpCode(202)
  async replay(@Param('queue') queue: string, @Param('id') id: string): Promise<void> {
    if (!await this.dispatcher.deadLetters.replay(queue, id)) throw none(queue, id);
  }

  @Delete(':id')
  @HttpCode(204)
  async discard(@Param('queue') queue: string, @Param('id') id: string): Promise<void> {
    if (!await this.dispatcher.deadLetters.discard(queue, id)) throw none(queue, id);
  }
}

/** No name: all of them. */
function named(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name };
}

/** 64-bit arguments are bigint, which JSON cannot say: as digits. */
function readable({ body: _body, headers: _headers, args, ...letter }: DeadLetter): Letter {
  return { ...letter, args: args?.map(({ type, value }) => ({ type, value: typeof value === 'bigint' ? String(value) : value })) };
}

function none(queue: string, id: string): NotFoundException {
  return new NotFoundException({
    statusCode: 404, code: 'ERR_SAMPLE_NO_DEAD_LETTER', message: `The queue "${queue}" has no dead letter "${id}": it was replayed, or discarded, or never was one.`,
  });
}
