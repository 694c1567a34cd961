import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { startProcess, type Exit } from '../../support/processes.js';
import { complaints, run, type PackageManager } from './package-managers.js';

type Ended = Exit & { lines: string[]; errors: string };

/** A new application of a user, with sources as in `test/package/apps`. */
export class Application {
  constructor(private readonly folder: string, private readonly name: string, private readonly manager: PackageManager) {
    const from = join('test/package/apps', name);
    mkdirSync(folder);
    for (const file of ['src', 'test', 'tsconfig.json', 'tsconfig.test.json']) cpSync(join(from, file), join(folder, file), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { devDependencies?: object };
    // Its compiler belongs to the one application that is compiled as its user would.
    if (manager.name !== 'npm') delete manifest.devDependencies;
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    // Without it, yarn 4 takes a folder for a part of what lies above it.
    if (manager.name === 'yarn 4') writeFileSync(join(folder, 'yarn.lock'), '');
  }

  /** @returns what the manager complained of */
  async install(tarball: string): Promise<string[]> {
    const { install, check, env } = this.manager;
    const said = await run(this.folder, install(tarball), env);
    return complaints(said + (check === undefined ? '' : await run(this.folder, check, env)), this.manager);
  }

  async build(): Promise<void> {
    if (this.manager.name === 'npm') {
      await run(this.folder, ['npm', 'run', 'build']);
      return;
    }
    mkdirSync(join(this.folder, 'dist'));
    for (const file of readdirSync(join(this.folder, 'src'))) {
      const { outputText } = ts.transpileModule(readFileSync(join(this.folder, 'src', file), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2022, module: this.name.endsWith('cjs') ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext,
          experimentalDecorators: true, emitDecoratorMetadata: true, esModuleInterop: true,
        },
      });
      writeFileSync(join(this.folder, 'dist', file.replace(/\.ts$/, '.js')), outputText);
    }
  }

  /**
   * Its own tests, by the runner that its generation of Nest comes with. That is installed only now: what others complain
   * of is not ours. @returns what the runner said
   */
  async test(): Promise<string> {
    const { forItsTests } = JSON.parse(readFileSync(join(this.folder, 'package.json'), 'utf8')) as { forItsTests: Record<string, string> };
    const packages = Object.entries(forItsTests).map(([name, version]) => `${name}@${version}`);
    await run(this.folder, ['npm', 'install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline', ...packages]);
    // Beside the sources, where Nest puts them; not before, since what is compiled of them then has no runner yet.
    cpSync('test/package/apps/shared', join(this.folder, 'src'), { recursive: true });
    return run(this.folder, ['npm', 'test']);
  }

  /** Runs it to its end. */
  run(env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.toItsEnd(process.execPath, [...this.manager.start ?? [], 'dist/main.js'], env);
  }

  /** The program that the package brings along. */
  program(args: string[]): Promise<Ended> {
    const { start: [yarn] = [] } = this.manager;
    const bin = 'nestjs-dispatcher';
    return yarn === undefined ? this.toItsEnd(join(this.folder, 'node_modules/.bin', bin), args) : this.toItsEnd(process.execPath, [yarn, 'run', bin, ...args]);
  }

  private async toItsEnd(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const child = startProcess(program, args, { cwd: this.folder, env: { ...this.manager.env, ...env } });
    const exit = await child.exited(60_000);
    return { ...exit, lines: [...child.lines.all], errors: child.stderr };
  }
}
