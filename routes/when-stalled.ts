/** Yields what a source yields. Calls back when the reader does not ask for more within a time. */
export async function* whenStalled<T>(
  source: AsyncGenerator<T>,
  maxMs: number,
  onStall: () => void,
): AsyncGenerator<T> {
  for await (const each of source) {
    const timer = setTimeout(onStall, maxMs)
    try {
      yield each
    } finally {
      clearTimeout(timer)
    }
  }
}
