import { withImport, withModuleEntry, withShutdownHooks } from './source-edits.js';

/** What `nest add nestjs-dispatcher` can be told. */
interface NestAddOptions {
  readonly sourceRoot?: string;
  readonly exchange?: string;
  readonly example?: boolean;
}

/** Of Angular's schematics, by which Nest's command line changes files, what is used here. Its package comes with that command line. */
interface Tree {
  exists(path: string): boolean;
  read(path: string): Buffer | null;
  overwrite(path: string, content: string): void;
  create(path: string, content: string): void;
}

interface Context {
  readonly logger: { info(message: string): void; warn(message: string): void };
}

/** `nest add nestjs-dispatcher`: the module, one worker, a first task and the shutdown hooks. What is there already stays. */
export function nestAdd({ sourceRoot = 'src', exchange = 'tasks', example = true }: NestAddOptions): (tree: Tree, context: Context) => Tree {
  return (tree, { logger }) => {
    const files = new SourceFiles(tree, sourceRoot);
    const extension = files.isEsm ? '.js' : '';
    const isAdded = files.change('app.module.ts', (source) => (source.includes('DispatcherModule') ? source : moduleWith(source, exchange)));
    if (!isAdded) logger.warn(`There is no ${sourceRoot}/app.module.ts whose @Module could be changed. Add to the imports of your root module:\n${forRoot(exchange)}`);
    if (example && isAdded && !tree.exists(`/${sourceRoot}/hello.tasks.ts`)) {
      tree.create(`/${sourceRoot}/hello.tasks.ts`, HELLO_TASKS);
      files.change('app.module.ts', (source) => withModuleEntry(withImport(source, 'HelloTasks', `./hello.tasks${extension}`), 'providers', 'HelloTasks'));
    }
    if (!files.change('main.ts', withShutdownHooks)) logger.warn('Call app.enableShutdownHooks() after the application was made, so that running tasks may end when the process is stopped.');
    logger.info("Tasks are kept in memory until BROKER_URL names a broker: 'amqp://guest:guest@localhost:5672/' for RabbitMQ, or 'embedded:./tasks' for a folder (npm install lmdb).");
    return tree;
  };
}

class SourceFiles {
  constructor(private readonly tree: Tree, private readonly root: string) {}

  /** Relative imports have to end in `.js` then. */
  get isEsm(): boolean {
    return /"type"\s*:\s*"module"/.test(this.tree.read('/package.json')?.toString() ?? '');
  }

  /** True: it is now as wanted. */
  change(name: string, edit: (source: string) => string | undefined): boolean {
    const path = `/${this.root}/${name}`;
    const before = this.tree.read(path)?.toString();
    const after = before === undefined ? undefined : edit(before);
    if (after !== undefined && after !== before) this.tree.overwrite(path, after);
    return after !== undefined;
  }
}

function moduleWith(source: string, exchange: string): string | undefined {
  return withModuleEntry(withImport(source, 'DispatcherModule', 'nestjs-dispatcher'), 'imports', forRoot(exchange));
}

function forRoot(exchange: string): string {
  return `DispatcherModule.forRoot({
      broker: process.env.BROKER_URL ?? 'embedded:',
      exchange: '${exchange}',
      defaultRoutingKey: 'tasks',
      workers: [{ name: 'worker_1', queue: 'tasks', bindingKeys: ['tasks'] }],
    })`;
}

const HELLO_TASKS = `import { Injectable, Logger } from '@nestjs/common';
import { Task } from 'nestjs-dispatcher';

@Injectable()
export class HelloTasks {
  private readonly logger = new Logger(HelloTasks.name);

  /** Runs for: await dispatcher.client(HelloTasks).hello('Ada'), with the injected DispatcherService. */
  @Task('hello', { retry: { attempts: 3 } })
  hello(name: string): string {
    this.logger.log(\`Hello, \${name}!\`);
    return \`Hello, \${name}!\`;
  }
}
`;
