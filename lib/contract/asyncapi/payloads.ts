import type { ArgumentType } from '../../task/argument-types.js';
import type { ArgumentContract, JsonSchema, TaskContract } from '../model.js';

const WHOLE: readonly ArgumentType[] = ['int', 'int8', 'int16', 'int32', 'uint', 'uint8', 'uint16', 'uint32', 'json'];

/** Of what is sent as the first, these are taken too: a handler gets the same of them. */
const TAKEN: Readonly<Partial<Record<ArgumentType, readonly ArgumentType[]>>> = {
  string: ['string', 'json'], bool: ['bool', 'json'], int: WHOLE, int64: ['int64', 'uint64'],
};

/** The body of a task on the wire, see docs/wire-format.md. */
export function taskPayload({ name, arguments: args, moreArguments }: TaskContract, schemas: readonly JsonSchema[], more: JsonSchema): JsonSchema {
  const required = args.findLastIndex((argument) => argument.required !== false) + 1;
  const items = args.map((argument, position) => argumentPayload(argument, schemas[position] ?? true));
  return {
    type: 'object', required: required === 0 ? ['uuid', 'name'] : ['uuid', 'name', 'args'],
    properties: {
      uuid: { type: 'string', minLength: 1, description: 'The identity of the task, through redelivery, retry and replay.' },
      name: { const: name },
      args: {
        type: required === 0 ? ['array', 'null'] : 'array',
        ...items.length === 0 ? {} : { items },
        minItems: required,
        ...moreArguments === false ? (items.length === 0 ? { maxItems: 0 } : { additionalItems: false }) : { [items.length === 0 ? 'items' : 'additionalItems']: typed({}, more) },
      },
    },
  };
}

function argumentPayload(argument: ArgumentContract, schema: JsonSchema): JsonSchema {
  return typed(argument, schema);
}

function typed({ name, types }: Pick<ArgumentContract, 'name' | 'types'>, value: JsonSchema): JsonSchema {
  const taken = typesTaken(types);
  return {
    ...name === undefined ? {} : { title: name },
    type: 'object', required: ['type', 'value'],
    properties: { type: taken === undefined ? { type: 'string' } : { enum: taken }, value },
  };
}

export function typesTaken(types: readonly ArgumentType[] | undefined): readonly ArgumentType[] | undefined {
  if (types === undefined) return undefined;
  if (types.includes('float64')) return [...WHOLE, 'float32', 'float64'];
  const [first] = types;
  return first === undefined ? undefined : TAKEN[first];
}

/** The end of a task, as it is told to the queue of `reply_to`: one of the reports of docs/wire-format.md. */
export function resultPayload({ name }: TaskContract, value: JsonSchema): JsonSchema {
  return {
    type: 'object', required: ['v', 'uuid', 'name', 'state', 'outcome'],
    properties: {
      v: { const: 1 }, uuid: { type: 'string' }, name: { const: name }, state: { const: 'succeeded' }, attempt: { type: 'integer', minimum: 1 },
      outcome: { type: 'object', required: ['kind'], properties: { kind: { const: 'value' }, value } },
    },
  };
}
