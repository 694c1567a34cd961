import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { nestAdd } from '../../../lib/schematics/nest-add.js';
import { withImport, withModuleEntry, withShutdownHooks } from '../../../lib/schematics/source-edits.js';

const APP_MODULE = `import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { AppService } from './app.service';

@Module({
  imports: [],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`;
const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`;

/** An application in memory. */
function added(files: Record<string, string>, options: Parameters<typeof nestAdd>[0] = {}) {
  const content = new Map(Object.entries(files).map(([path, text]) => [`/${path}`, text]));
  const said: string[] = [];
  nestAdd(options)({
    exists: (path) => content.has(path),
    read: (path) => (content.has(path) ? Buffer.from(content.get(path)!) : null),
    overwrite: (path, text) => { if (!content.has(path)) throw new Error(`no ${path}`); content.set(path, text); },
    create: (path, text) => { if (content.has(path)) throw new Error(`${path} is there`); content.set(path, text); },
  }, { logger: { info: (text) => said.push(text), warn: (text) => said.push(`warning: ${text}`) } });
  return { files: Object.fromEntries(content), said };
}

/** What a compiler finds wrong with the text alone. */
const mistakes = (source: string): number => ts.transpileModule(source, { reportDiagnostics: true, compilerOptions: { experimentalDecorators: true } }).diagnostics?.length ?? 0;

describe('nest add', () => {
  it('makes a new application one that runs tasks', () => {
    const { files, said } = added({ 'package.json': '{}', 'src/app.module.ts': APP_MODULE, 'src/main.ts': MAIN });
    expect(files['/src/app.module.ts']).toContain("import { DispatcherModule } from 'nestjs-dispatcher';\nimport { HelloTasks } from './hello.tasks';\n");
    expect(files['/src/app.module.ts']).toMatch(/imports: \[DispatcherModule\.forRoot\(\{[^]*exchange: 'tasks',[^]*\}\)\],/);
    expect(files['/src/app.module.ts']).toContain('providers: [HelloTasks, AppService],');
    expect(files['/src/main.ts']).toContain('create(AppModule);\n  app.enableShutdownHooks();\n');
    expect(files['/src/hello.tasks.ts']).toContain("@Task('hello'");
    expect(Object.values(files).slice(1).map(mistakes)).toEqual([0, 0, 0]);
    expect(said).toHaveLength(1);
  });

  it('does nothing twice', () => {
    const once = added({ 'src/app.module.ts': APP_MODULE, 'src/main.ts': MAIN }).files;
    const twice = added(Object.fromEntries(Object.entries(once).map(([path, text]) => [path.slice(1), text]))).files;
    expect(twice).toEqual(once);
  });

  it('writes imports as an application of ES modules needs them, and no example where none is wanted', () => {
    expect(added({ 'package.json': '{ "type": "module" }', 'src/app.module.ts': APP_MODULE }).files['/src/app.module.ts']).toContain("'./hello.tasks.js'");
    expect(Object.keys(added({ 'src/app.module.ts': APP_MODULE }, { example: false }).files)).toEqual(['/src/app.module.ts']);
  });

  it('says what is left to do where it cannot do it', () => {
    const { said } = added({ 'apps/api/src/app.module.ts': 'export class AppModule {}' }, { sourceRoot: 'apps/api/src' });
    expect(said.join('\n')).toMatch(/warning: There is no apps\/api\/src\/app\.module\.ts whose @Module could be changed[^]*DispatcherModule\.forRoot[^]*warning: Call app\.enableShutdownHooks/);
  });
});

describe('edits of sources', () => {
  it('put an import after the others, or first', () => {
    expect(withImport('import a from "a";\n\ncode();\n', 'B', 'b')).toBe('import a from "a";\nimport { B } from \'b\';\n\ncode();\n');
    expect(withImport('code();\n', 'B', 'b')).toBe("import { B } from 'b';\ncode();\n");
    expect(withImport("import { A,\n  B } from 'b';\n", 'B', 'b')).toBe("import { A,\n  B } from 'b';\n");
    expect(withImport("import {\n  A,\n} from 'a';\ncode();\n", 'B', 'b')).toBe("import {\n  A,\n} from 'a';\nimport { B } from 'b';\ncode();\n");
  });

  it.each([
    ['@Module({})', '@Module({\n  imports: [X],})'],
    ['@Module({ imports: [] })', '@Module({ imports: [X] })'],
    ['@Module({ imports: [A, B] })', '@Module({ imports: [X, A, B] })'],
    ['@Module({\n  imports: [\n    A,\n  ],\n})', '@Module({\n  imports: [\n    X, A,\n  ],\n})'],
    ['@Module({ imports: list })', undefined],
    ['class A {}', undefined],
  ])('put an entry into the list of %j', (source, expected) => {
    expect(withModuleEntry(source, 'imports', 'X')).toBe(expected);
  });

  it('leave hooks that are there, and what they do not understand', () => {
    expect(withShutdownHooks('app.enableShutdownHooks();')).toBe('app.enableShutdownHooks();');
    expect(withShutdownHooks('NestFactory.create(AppModule).then(run);')).toBeUndefined();
  });
});
