import { Stopped, UNEXPECTED } from './errors.js'

/** A stopped command that has not ended by then is ended; an embedded PostgreSQL needs a moment to stop. */
const LONGEST_END_MS = 15_000

/** 128 and the number of the signal, as a shell has it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const

/**
 * Aborted, with a {@link Stopped} as the reason, when the user or the system stops the process, and when the reader
 * of its output hangs up. A Ctrl-C reaches the process from the terminal and once more from npm: the second one is
 * no reason to leave things half-done. A fault that nobody has caught stops the work too, with itself as the reason.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = (reason: unknown, exitCode: number) => {
    if (controller.signal.aborted) return
    controller.abort(reason)
    setTimeout(() => process.exit(exitCode), LONGEST_END_MS).unref()
  }
  const stopBy = (name: keyof typeof EXIT_CODES, message: string) =>
    stop(new Stopped(message, EXIT_CODES[name]), EXIT_CODES[name])
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stopBy(name, `stopped by ${name}; nothing unfinished is left.`))
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') stopBy('SIGPIPE', '')
  })
  process.stderr.on('error', () => undefined)
  process.on('uncaughtException', (error) => stop(error, UNEXPECTED))
  return controller.signal
}
