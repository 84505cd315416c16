import { Stopped, UNEXPECTED } from './errors.js'

/** A stopped command may take this long to end; an embedded PostgreSQL needs a moment to stop. */
const MAX_END_MS = 15_000

/** 128 plus the number of the signal, as in shells. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const listeners: [(typeof SIGNALS)[number], () => void][] = []

/** For a command that has nothing to clean up: a signal ends the process at once, however busy it is. */
export function endAtOnce(): void {
  for (const [name, listener] of listeners.splice(0)) process.off(name, listener)
}

/**
 * A signal that is aborted with a {@link Stopped} when the user or the system stops the process, or when the reader
 * of its output closes the pipe. A Ctrl-C arrives twice, from the terminal and from npm; the second one is ignored, so
 * that the command can clean up. An uncaught exception aborts the signal with the exception as the reason.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = (reason: unknown, exitCode: number) => {
    if (controller.signal.aborted) return
    controller.abort(reason)
    setTimeout(() => process.exit(exitCode), MAX_END_MS).unref()
  }
  const stopBy = (name: keyof typeof EXIT_CODES, message: string) =>
    stop(new Stopped(message, EXIT_CODES[name]), EXIT_CODES[name])
  for (const name of SIGNALS) {
    const listener = () => stopBy(name, `stopped by ${name}; nothing unfinished is left.`)
    listeners.push([name, listener])
    process.on(name, listener)
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') stopBy('SIGPIPE', '')
  })
  process.stderr.on('error', () => undefined)
  process.on('uncaughtException', (error) => stop(error, UNEXPECTED))
  return controller.signal
}
