/** What a run opens, and closes in the reverse order at its end: tap's tests are such scopes too. */
export interface Scope {
  teardown(close: () => unknown): void
}

/** A scope for a command. @returns what closes it */
export function openScope(): { scope: Scope; close: () => Promise<void> } {
  const closers: (() => unknown)[] = []
  return {
    scope: { teardown: (close) => void closers.push(close) },
    async close() {
      for (const each of closers.splice(0).reverse()) await each()
    },
  }
}
