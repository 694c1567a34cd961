import { Controller, Delete, Get, HttpCode, NotFoundException, Param } from '@nestjs/common';
import { DispatcherService, type WorkflowProgress } from 'nestjs-dispatcher';

/** The workflows of this exchange, by whatever process they were published. */
@Controller('workflows')
export class WorkflowsController {
  constructor(private readonly dispatcher: DispatcherService) {}

  /** Which of its steps are where. */
  @Get(':uuid')
  async progress(@Param('uuid') uuid: string): Promise<WorkflowProgress> {
    const progress = await this.dispatcher.workflow(uuid).progress();
    if (progress === undefined) throw unknown(uuid);
    return progress;
  }

  /** What waits of it does not run any more; what runs is asked to stop. */
  @Delete(':uuid')
  @HttpCode(204)
  async cancel(@Param('uuid') uuid: string): Promise<void> {
    if (!await this.dispatcher.workflow(uuid).cancel('asked for over HTTP')) throw unknown(uuid);
  }
}

function unknown(uuid: string): NotFoundException {
  return new NotFoundException({ statusCode: 404, code: 'ERR_SAMPLE_UNKNOWN_WORKFLOW', message: `There is no workflow ${uuid} that goes on: it is not known here, or has ended.` });
}
