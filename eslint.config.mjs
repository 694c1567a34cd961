import tseslint from 'typescript-eslint';

/** A name beginning with an underscore says: it has to stand here, and nobody reads it. */
const unusedVariables = ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }];

const sizes = {
  'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
};

/** A channel has its listeners, its limits of time and its end from one place; however the method is got hold of. */
const channels = ['MemberExpression[property.name=NAME]', 'MemberExpression[property.value=NAME]', 'ObjectPattern > Property[key.name=NAME]'].map((selector) => ({
  selector: selector.replace('NAME', '/^create(Confirm)?Channel$/'),
  message: 'Channels are opened by lib/amqp/open-channel.ts alone: openChannel, openConfirmChannel or withChannel.',
}));

/** Tests and simulations decide what time it is; whoever asks the machine itself would not notice. */
const times = {
  'no-restricted-properties': ['error', ...[['Date', 'now'], ['performance', 'now']].map(([object, property]) => ({
    object, property, message: 'Time comes from lib/time/clock.ts.',
  }))],
  'no-restricted-globals': ['error', ...['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'].map((name) => ({
    name, message: 'Timers come from lib/time/clock.ts.',
  }))],
  'no-restricted-imports': ['error', { paths: ['timers', 'timers/promises', 'node:timers', 'node:timers/promises'].map((name) => ({
    name, message: 'Timers come from lib/time/clock.ts.',
  })) }],
};

/** `new Date()` asks the machine too. */
const dates = { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'The date comes from lib/time/clock.ts.' };

/** Programs and threads of their own, what measures the machine itself, and what waits for it. */
const ofTheMachine = ['lib/time/clock.ts', 'lib/cli/**', 'lib/dashboard/**', 'lib/nest/threads/**', 'lib/testing/real-time.ts', 'lib/testing/options.ts', 'lib/worker/loop-watch.ts'];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', 'test/package/apps/', 'bench/out/', 'site/', '.cache/', '**/*.d.mts'] },
  {
    files: ['lib/**/*.ts', 'sample-app/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'dashboard/src/**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': unusedVariables,
      // Handlers, settlements and Nest hooks are async by contract, whether or not they wait for something.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['lib/**/*.ts', 'sample-app/**/*.ts', 'dashboard/src/**/*.{ts,tsx}'], rules: sizes },
  // The shape of what is seen is one expression, however many lines it takes.
  { files: ['dashboard/src/**/*.tsx'], rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] } },
  // A part of a contract is the list of its tests, each of which is short.
  { files: ['lib/contract-suites/broker/*.ts'], rules: { 'max-lines-per-function': ['error', { max: 190, skipBlankLines: true, skipComments: true }] } },
  { files: ['lib/**/*.ts'], ignores: ['lib/amqp/open-channel.ts'], rules: { 'no-restricted-syntax': ['error', ...channels] } },
  { files: ['lib/**/*.ts'], ignores: ofTheMachine, rules: { ...times, 'no-restricted-syntax': ['error', ...channels, dates] } },
  // The one place that opens channels is told the time like everybody.
  { files: ['lib/amqp/open-channel.ts'], rules: { 'no-restricted-syntax': ['error', dates] } },
  {
    // Tests pass methods to `expect`, and look at what a library leaves untyped.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
    },
  },
  {
    // The scripts run before anything is installed or built: plain JavaScript, no types to check.
    files: ['scripts/**/*.mjs', 'website/**/*.{mjs,mts}', '*.mjs', '*.mts'],
    extends: [tseslint.configs.recommended],
    rules: { '@typescript-eslint/no-unused-vars': unusedVariables },
  },
);
