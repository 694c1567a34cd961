import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ArgumentSchemas } from '../../task/argument-schema.js';
import type { ArgumentType } from '../../task/argument-types.js';
import type { ArgumentContract, JsonSchema, TaskContract } from '../model.js';
import { isPlainObject } from '../plain.js';
import type { DeclaredParameter } from './parameters.js';
import { INT64, schemaOf, takesUndefined } from './schema-of.js';

type Arguments = Pick<TaskContract, 'arguments' | 'moreArguments'>;

/** What schemas say counts for more than what is declared: only they are checked. */
export function argumentsOf(schemas: ArgumentSchemas | undefined, parameters: readonly DeclaredParameter[] = []): Arguments {
  const whole = schemas?.ofAll === undefined ? undefined : fromList(schemas.ofAll, parameters);
  if (whole !== undefined) return whole;
  const positional = parameters.filter(({ isRest }) => isRest !== true);
  const checked = schemas?.byPosition ?? [];
  const isComplete = schemas?.isComplete === true;
  const count = isComplete ? checked.length : Math.max(checked.length, positional.length);
  return {
    arguments: Array.from({ length: count }, (_, position) => argumentOf(checked[position], positional[position])),
    // A function takes what it does not look at.
    moreArguments: !isComplete,
  };
}

function argumentOf(schema: StandardSchemaV1 | undefined, declared: DeclaredParameter = {}): ArgumentContract {
  const described = schema === undefined ? DECLARED[declared.type ?? 'unknown'] : schemaOf(schema, 'input');
  const isLeftOut = schema === undefined ? declared.isOptional : takesUndefined(schema);
  return withTypes({
    ...declared.name === undefined ? {} : { name: declared.name },
    ...isLeftOut === undefined ? {} : { required: !isLeftOut },
    schema: described,
  });
}

const DECLARED: Readonly<Record<NonNullable<DeclaredParameter['type']> | 'unknown', JsonSchema>> = {
  string: { type: 'string' }, boolean: { type: 'boolean' }, number: { type: 'number' }, bigint: INT64, unknown: true,
};

function withTypes(argument: ArgumentContract): ArgumentContract {
  const types = typesOf(argument.schema);
  return types === undefined ? argument : { ...argument, types };
}

/** As `publish` infers them of a value that the schema takes. */
export function typesOf(schema: JsonSchema): readonly ArgumentType[] | undefined {
  if (typeof schema === 'boolean') return undefined;
  switch (schema['type']) {
    case 'string': return ['string'];
    case 'boolean': return ['bool'];
    case 'integer': return schema['format'] === 'int64' ? ['int64'] : ['int'];
    case 'number': return ['int', 'float64'];
    case 'object': case 'array': case 'null': return ['json'];
    default: return undefined;
  }
}

/** Of a schema of the list of all arguments, such as a tuple; `undefined` where it is no list that can be taken apart. */
function fromList(schema: StandardSchemaV1, parameters: readonly DeclaredParameter[]): Arguments | undefined {
  const list = schemaOf(schema, 'input');
  if (!isPlainObject(list) || !Array.isArray(list['items']) || JSON.stringify(list).includes('"$ref"')) return undefined;
  const items = list['items'] as JsonSchema[];
  const { additionalItems = true, minItems } = list;
  const least = typeof minItems === 'number' ? minItems : items.length;
  return {
    arguments: items.map((item, position) => {
      const name = parameters[position]?.name;
      return withTypes({ ...name === undefined ? {} : { name }, required: position < least, schema: item });
    }),
    moreArguments: typeof additionalItems === 'boolean' || isPlainObject(additionalItems) ? additionalItems : true,
  };
}
