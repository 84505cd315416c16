import { AsyncLocalStorage } from 'node:async_hooks'
import { ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api'

/** Keeps the present span through awaits and callbacks. */
export function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (context, work, that, ...args) => storage.run(context, () => work.apply(that as never, args)),
    bind: (context, target) => {
      if (typeof target !== 'function') return target
      const call = target as (...args: unknown[]) => unknown
      const bound = (...args: unknown[]) => storage.run(context, () => call(...args))
      return bound as typeof target
    },
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}
