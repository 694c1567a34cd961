import type { TaskArgument } from '../../lib/task/task.js';

/** What Go sends: every type at the edge of its range. The 64-bit ones arrive exactly, as bigint where a number cannot hold them. */
export function fromGo(n: number): TaskArgument[] {
  return [
    { type: 'bool', value: true },
    { type: 'string', value: `task ${n} <ünï & ☃> \u2028` },
    { type: 'int', value: -(2n ** 63n) },
    { type: 'int8', value: -128 },
    { type: 'int16', value: -32768 },
    { type: 'int32', value: -2147483648 },
    { type: 'int64', value: -(2n ** 63n) },
    { type: 'uint', value: 2n ** 64n - 1n },
    { type: 'uint8', value: 255 },
    { type: 'uint16', value: 65535 },
    { type: 'uint32', value: 4294967295 },
    { type: 'uint64', value: 2n ** 64n - 1n },
    { type: 'float32', value: 1.5 },
    { type: 'float64', value: 1e17 },
  ];
}

/** What we send. Go reads numbers as float64, so 64-bit integers stay within 2^53 here: beyond it Go rounds. */
export function toGo(n: number): TaskArgument[] {
  return [
    { type: 'bool', value: true }, { type: 'string', value: `task ${n} <ünï & ☃> \u2028` },
    { type: 'int', value: -9007199254740991 }, { type: 'int8', value: -128 }, { type: 'int16', value: -32768 }, { type: 'int32', value: -2147483648 },
    { type: 'int64', value: -9007199254740991n }, { type: 'uint', value: 9007199254740991 }, { type: 'uint8', value: 255 }, { type: 'uint16', value: 65535 },
    { type: 'uint32', value: 4294967295 }, { type: 'uint64', value: 9007199254740991n }, { type: 'float32', value: 1.5 }, { type: 'float64', value: 0.1 },
  ];
}

/** The arguments of `toGo` as a Go function prints those that it was called with. */
export function asGoPrintsIt(n: number): string[] {
  return [
    'bool true', `string task ${n} <ünï & ☃> \u2028`, 'int -9007199254740991', 'int8 -128', 'int16 -32768', 'int32 -2147483648', 'int64 -9007199254740991',
    'uint 9007199254740991', 'uint8 255', 'uint16 65535', 'uint32 4294967295', 'uint64 9007199254740991', 'float32 1.5', 'float64 0.1',
  ];
}
