import { join } from 'node:path';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = join(__dirname, '..', '..', '..');
const RULE = 'no-restricted-syntax';

/** What a file of that name would be told of what is planted in it, by the rules of syntax alone: they need no types, and so no real file. */
async function told(file: string, text: string): Promise<string[]> {
  const { rules } = (await new ESLint({ cwd: root }).calculateConfigForFile(join(root, file))) as { rules: Linter.RulesRecord };
  const rule = rules[RULE];
  const config = { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser as Linter.Parser }, rules: rule === undefined ? {} : { [RULE]: rule } };
  return new Linter({ cwd: root }).verify(text, config, join(root, file)).map(({ message }) => message);
}

describe('the rules of the linter', () => {
  // Loading the linter takes seconds where others use the machine.
  beforeAll(async () => void await told('lib/errors.ts', ''), 60_000);

  it.each([
    'await model.createChannel();', 'model.createConfirmChannel().then(use);', 'model?.createChannel();',
    'const open = model.createChannel.bind(model);', "model['createConfirmChannel']();", 'const { createChannel } = model;', 'const { createChannel: open } = model;',
  ])('refuse a channel that is opened somewhere: %s', async (planted) => {
    expect(await told('lib/state/amqp/planted.ts', planted)).toEqual([expect.stringContaining('lib/amqp/open-channel.ts')]);
    expect(await told('lib/brokers/amqp/planted.ts', planted)).toHaveLength(1);
  });

  it('allow it in the one place where channels are opened', async () => {
    expect(await told('lib/amqp/open-channel.ts', 'await model.createChannel();')).toEqual([]);
    expect(await told('lib/state/amqp/planted.ts', 'await openChannel(model, listener);')).toEqual([]);
  });
});
