import { parseArgs, type ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

/** The options of the command line; where they make no sense it ends with what is allowed, and 2. */
export function readOptions<const T extends Options>(help: string, options: T) {
  try {
    return parseArgs({ options })
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`)
    process.exit(2)
  }
}
