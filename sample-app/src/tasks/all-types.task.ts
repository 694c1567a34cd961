import { Injectable, Logger } from '@nestjs/common';
import { Task } from 'nestjs-dispatcher';

/** One argument of each of the fourteen types; says what each of them is here. */
@Injectable()
export class AllTypesTask {
  private readonly logger = new Logger('all_types');

  /** `int64` and `uint64` are always bigint; `int` and `uint` only where a number would round them. */
  @Task('all_types', { taskUuidAsFirstArg: true })
  run(
    uuid: string, bool: boolean, string: string,
    int: number | bigint, int8: number, int16: number, int32: number, int64: bigint,
    uint: number | bigint, uint8: number, uint16: number, uint32: number, uint64: bigint,
    float32: number, float64: number,
  ): void {
    const received = { bool, string, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64 };
    const lines = Object.entries(received).map(([type, value]) => `${type} = ${String(value)} (${typeof value})`);
    this.logger.log(`${uuid}: ${lines.join(', ')}`);
  }
}
