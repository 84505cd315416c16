import { createContext, Script } from 'node:vm'
import { UsageError } from '../cli/errors.js'

/** A piece of a log has some hundred lines: ordinary patterns need milliseconds. */
const MAX_MS = 30_000
const MAX_PIECE = 65_536

const sandbox: { run: () => void } = { run: () => undefined }
const context = createContext(sandbox)
const script = new Script('run()')

/**
 * Runs what matches requests with the patterns of a file. Patterns such as `(a+)+$` take a time that doubles with every
 * character; this ends them too.
 *
 * @throws UsageError when it takes too long
 */
export function guarded(run: () => void, maxMs = MAX_MS): void {
  sandbox.run = run
  try {
    script.runInContext(context, { timeout: maxMs })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new UsageError(
      `a few requests take longer than ${maxMs / 1000} s: look for a pattern in which a repetition is repeated, such as (a+)+, or for very long lists.`,
    )
  } finally {
    sandbox.run = () => undefined
  }
}

/** A piece of a log in parts that are quick to read. */
export function* smallPieces(piece: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < piece.length; at += MAX_PIECE) yield piece.subarray(at, at + MAX_PIECE)
}
