import { CommanderError, type Command } from 'commander'
import { failureOf, UsageError } from './errors.js'
import { stopSignal } from './stop.js'

/**
 * Runs a command to its end and resolves its exit code: 0; 1 no data; 2 usage; 3 database; 70 anything else; 128 and
 * more when it was stopped. A failure is one line on standard error, without a stack and without a password.
 *
 * @param build makes the command; what its action starts has to end, and tidy up, when the signal is aborted
 */
export async function runCommand(
  build: (stop: AbortSignal) => Command,
  argv: readonly string[] = process.argv,
): Promise<number> {
  const stop = stopSignal()
  const command = build(stop)
  speakPlainly(command)
  try {
    await command.parseAsync(argv)
    return 0
  } catch (error) {
    const { code, message } = ending(stop.aborted ? stop.reason : error)
    if (message !== '') process.stderr.write(`${command.name()}: ${message}\n`)
    return code
  }
}

/** Errors are thrown instead of printed, in the command and in those below it; help goes where it was asked for. */
function speakPlainly(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined })
  command.commands.forEach(speakPlainly)
}

function ending(error: unknown): { code: number; message: string } {
  if (!(error instanceof CommanderError)) return failureOf(error)
  if (error.exitCode === 0) return { code: 0, message: '' } // --help, --version
  if (error.code === 'commander.help') return { code: 2, message: '' } // the help has been shown
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '')
  // What follows a mistyped --db-password= is nobody's business.
  return failureOf(new UsageError(`${text.replace(/'(--?[^'=]*)=.*'/, "'$1'")}.`))
}
