import { setImmediate as others } from 'node:timers/promises'

/** So long others wait at most for a step to end. */
const SLICE_MS = 10

/**
 * Runs work in slices of 10 ms, between which the service answers requests. It ends at the signal.
 * @param steps a step is short: at most a few milliseconds
 */
export async function inSlices<T>(steps: Iterator<unknown, T>, signal?: AbortSignal): Promise<T> {
  let since = performance.now()
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (performance.now() - since < SLICE_MS) continue
    await others()
    signal?.throwIfAborted()
    since = performance.now()
  }
}

/** The same for a loop: it lets others run where 10 ms have passed since they last could. */
export function slices(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < SLICE_MS) return
    await others()
    since = performance.now()
  }
}

/** A step for each item. */
export function* mapSteps<T, U>(items: Iterable<T>, of: (item: T) => U): Generator<void, U[]> {
  const results: U[] = []
  for (const item of items) {
    results.push(of(item))
    yield
  }
  return results
}
