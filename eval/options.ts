import { parseArgs, type ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

/** Parses the command line. Prints the help and exits with 2 if an option is invalid. */
export function readOptions<const T extends Options>(help: string, options: T) {
  try {
    return parseArgs({ options })
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`)
    process.exit(2)
  }
}
