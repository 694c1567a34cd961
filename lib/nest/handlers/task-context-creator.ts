import { ForbiddenException, type PipeTransform } from '@nestjs/common';
import { ExternalContextCreator, type ApplicationConfig, type NestContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context';
import { GuardsConsumer, GuardsContextCreator } from '@nestjs/core/guards/index';
import { InterceptorsContextCreator } from '@nestjs/core/interceptors/index';
import { PipesConsumer, PipesContextCreator } from '@nestjs/core/pipes/index';
import { isObservable, lastValueFrom } from 'rxjs';
import { errorMessage, isA } from '../../task/error-text.js';
import type { DiscoveredTask } from '../discovery/discovered-task.js';
import { UndecoratedParameters, type ParameterMark } from './parameters.js';
import { firstOf, type PipeFailure } from './refusals.js';
import { TaskInterceptors } from './task-interceptors.js';

type ParameterOptions = Parameters<ExternalContextCreator['createPipesFn']>[1];
type PipesFunction = (values: unknown[], ...args: unknown[]) => Promise<void>;
interface PipedParameter { readonly parameter: ParameterOptions[number]; readonly pipe: PipesFunction }

/**
 * Nest's pipeline of guards, interceptors and pipes around one handler, with what tasks need otherwise:
 * the module is the one that really hosts the handler (Nest guesses it by class, and not at all for
 * controllers, in which case class-based guards would be skipped in silence), global enhancers take part
 * only where they are asked for, and parameters without a decorator get their arguments all the same.
 */
export class TaskContextCreator extends ExternalContextCreator {
  private readonly undecorated: UndecoratedParameters;
  private readonly unpiped: ReadonlySet<number>;

  /**
   * @param globals the application's enhancers, or `undefined` to leave them out
   * @param unpiped indexes of parameters on which no pipe runs
   */
  constructor(
    container: NestContainer, globals: ApplicationConfig | undefined,
    private readonly task: DiscoveredTask, marks: readonly ParameterMark[], unpiped: ReadonlySet<number>,
  ) {
    super(
      new GuardsContextCreator(container, globals), new GuardsConsumer(),
      new InterceptorsContextCreator(container, globals), new TaskInterceptors(),
      container.getModules(),
      new PipesContextCreator(container, globals), new PipesConsumer(),
      new ExternalExceptionFilterContext(container, globals),
    );
    this.undecorated = new UndecoratedParameters(marks);
    this.unpiped = unpiped;
    // Private in its declaration, looked up by `create` as a method; older versions of Nest do not have it.
    Object.defineProperty(this, 'getHostModuleKey', { value: () => this.getContextModuleKey() });
  }

  override getContextModuleKey(): string {
    return this.task.host.token;
  }

  override createPipesFn(pipes: PipeTransform[], parameters: ParameterOptions): PipesFunction | null {
    const piped = parameters.filter(({ index }) => !this.unpiped.has(index))
      .map((parameter) => ({ parameter, pipe: super.createPipesFn(pipes, [parameter]) as PipesFunction }));
    const unpiped = super.createPipesFn([], parameters.filter(({ index }) => this.unpiped.has(index)));
    if (piped.length === 0 && unpiped === null) return null;
    return async (values, ...args) => {
      this.undecorated.fill(values, args);
      if (unpiped !== null) await unpiped(values, ...args);
      if (piped.length > 0) await this.pipe(piped, values, args);
    };
  }

  /** All of them: what is wrong with the second argument is to be known too. */
  private async pipe(piped: readonly PipedParameter[], values: unknown[], args: unknown[]): Promise<void> {
    const failures: PipeFailure[] = [];
    await Promise.all(piped.map(({ parameter, pipe }) => pipe(values, ...args).catch((thrown: unknown) => { failures.push({ thrown, parameter }); })));
    if (failures.length > 0) throw firstOf(failures.sort((a, b) => a.parameter.index - b.parameter.index), this.task);
  }

  override createGuardsFn(...[guards, ...rest]: Parameters<ExternalContextCreator['createGuardsFn']>): ((args: unknown[]) => Promise<void>) | null {
    const checks = guards.map((guard: object) => ({ guard, activate: super.createGuardsFn([guard], ...rest) as (args: unknown[]) => Promise<void> }));
    if (checks.length === 0) return null;
    return async (args: unknown[]) => {
      for (const { guard, activate } of checks) await activate(args).catch((error: unknown) => { throw this.refusal(guard, error); });
    };
  }

  /** Nest's own would reject where the Observable is empty. */
  override async transformToResult(result: unknown): Promise<unknown> {
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  /** A guard that answers false gets Nest's bare "Forbidden resource"; what a guard throws itself stays. */
  private refusal(guard: object, error: unknown): unknown {
    if (!isA(error, ForbiddenException) || errorMessage(error) !== 'Forbidden resource') return error;
    return new ForbiddenException(`The guard ${guard.constructor.name} refused the task "${this.task.name}" (${this.task.origin}).`);
  }
}
