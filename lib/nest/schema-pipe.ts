import type { PipeTransform } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** What was refused, in the form in which zod and others tell it: the worker puts all of it into the dead letter. */
class SchemaRefusal extends Error {
  override readonly name = 'SchemaRefusal';

  constructor(readonly issues: readonly StandardSchemaV1.Issue[]) {
    super(issues.map(({ message }) => message).join('; '));
  }
}

/** Gives the parameter what the schema makes of the argument. */
export class SchemaPipe implements PipeTransform {
  constructor(readonly schema: StandardSchemaV1) {}

  async transform(value: unknown): Promise<unknown> {
    const result = await this.schema['~standard'].validate(value);
    if (result.issues !== undefined) throw new SchemaRefusal(result.issues);
    return result.value;
  }
}
