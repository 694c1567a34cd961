import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import type { TaskContext } from '../../worker/task-context.js';
import type { DiscoveredTask } from '../discovery/discovered-task.js';

/** An instance made for one task; Nest lets go of it when nobody holds the context id any more. */
export interface PerTaskInstance {
  readonly instance: object;
  readonly contextId: ContextId;
}

/**
 * Resolves the handler's provider for this task, with everything request-scoped below it. The task's context
 * is what `@Inject(REQUEST)` gives. Durable providers are shared as the application's `ContextIdStrategy` says.
 */
export async function resolveForTask({ wrapper, host }: DiscoveredTask, context: TaskContext): Promise<PerTaskInstance> {
  // The module's own reference: a lookup across modules finds another module's provider of the same class.
  const moduleRef = host.providers.get(ModuleRef)?.instance as ModuleRef;
  const contextId = ContextIdFactory.getByRequest(context);
  const shared = wrapper.isDependencyTreeDurable() ? (contextId as { payload?: unknown }).payload : undefined;
  moduleRef.registerRequestByContextId(shared ?? context, contextId);
  const instance = await moduleRef.resolve<object>(wrapper.token as string, contextId, { strict: true });
  return { instance, contextId };
}
