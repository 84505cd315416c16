import { CommanderError, type Command } from 'commander'
import { failureOf, UsageError } from './errors.js'
import { stopSignal } from './stop.js'

/**
 * Runs a command and resolves its exit code: 0 success, 1 no data, 2 usage, 3 database, 70 any other failure, 128 and
 * above when it was stopped. A failure is one line on standard error, without a stack trace and without a password.
 *
 * @param build makes the command; when the signal is aborted, its action has to end and clean up
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

/** Makes the command and its subcommands throw errors instead of printing them. */
function speakPlainly(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined })
  command.commands.forEach(speakPlainly)
}

function ending(error: unknown): { code: number; message: string } {
  if (!(error instanceof CommanderError)) return failureOf(error)
  if (error.exitCode === 0) return { code: 0, message: '' } // --help, --version
  if (error.code === 'commander.help') return { code: 2, message: '' } // the help was printed
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '')
  // A mistyped --db-password=… must not reveal the password.
  return failureOf(new UsageError(`${text.replace(/'(--?[^'=]*)=.*'/, "'$1'")}.`))
}
