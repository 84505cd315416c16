import { createHash, randomBytes } from 'node:crypto'
import { Command } from 'commander'
import {
  formatApiKey,
  isKeyName,
  isKeySource,
  KEY_NAMES,
  MAX_KEY_SOURCES,
  ROLES,
  type ApiKey,
  type Role,
} from '../../formats/api-keys.js'
import { processEnvironment } from '../../plugins/config.js'
import { UsageError } from '../cli/errors.js'
import { choice } from '../cli/options.js'
import { withOutput } from '../cli/output.js'
import { addToFile } from './keys-file.js'

interface Flags {
  readonly role?: Role[]
  readonly source?: string[]
  readonly file?: string
  readonly rotate?: true
}

const KEY_BYTES = 32

const NOTES = `
The key is printed once, on standard output. The service stores its SHA-256 alone, so it cannot be shown again. With
--file or API_KEYS_FILE, the entry is added to that file, which a running service reads within seconds. Without, the entry
is printed on standard error; add it to API_KEYS.

Roles: read shows everything; detect reports minutes and requests; operate includes read, and works with incidents, silences,
feedback and limits; admin may do everything.

Examples:
  aegis-ml keys create ann --role operate --file keys
  aegis-ml keys create orders-gateway --role detect --source orders --file keys > orders.key
  aegis-ml keys create orders-gateway --rotate --file keys

Exit codes: 0 success, 2 usage.`

/** `keys`: makes the keys of those who call the service. */
export function manageKeys(stop: AbortSignal): Command {
  return new Command('keys')
    .description('Make keys for those who call the service.')
    .addCommand(createKey(stop))
}

function createKey(stop: AbortSignal): Command {
  return new Command('create')
    .description('Make a key, and print it once.')
    .argument('<name>', `whose key it is: ${KEY_NAMES}`)
    .option('--role <role...>', `what it may do: one or more of ${ROLES.join(', ')}`, collected(roleOf))
    .option(
      '--source <name...>',
      'the only sources whose reports it may send (default: any)',
      collected(sourceOf),
    )
    .option('--file <file>', 'the file of keys to add it to (default: API_KEYS_FILE)')
    .option('--rotate', 'a second key for a name of the file, with the same roles and sources')
    .addHelpText('after', NOTES)
    .action((name: string, flags: Flags) => create(name, flags, stop))
}

async function create(name: string, flags: Flags, stop: AbortSignal): Promise<void> {
  if (!isKeyName(name)) {
    throw new UsageError(`The name is ${JSON.stringify(name.slice(0, 80))}; allowed are ${KEY_NAMES}.`)
  }
  const file = flags.file ?? (processEnvironment()['API_KEYS_FILE'] || undefined)
  const key = `aegis_${randomBytes(KEY_BYTES).toString('base64url')}`
  const show = () => withOutput(undefined, stop, (output) => output.write(`${key}\n`))
  const hash = createHash('sha256').update(key).digest()
  const keyFor = (existing: readonly ApiKey[]): ApiKey => ({
    name,
    hash,
    ...rightsFor(name, flags, existing),
  })
  if (file === undefined) {
    const entry = formatApiKey(keyFor([]))
    await show()
    process.stderr.write(`Add this entry to API_KEYS, or to the file of API_KEYS_FILE:\n${entry}\n`)
    return
  }
  await addToFile(file, keyFor, show)
  process.stderr.write(`${file} has the key of ${name} now. A running service knows it within seconds.\n`)
}

/** @throws UsageError */
function rightsFor(
  name: string,
  { role, source, file, rotate }: Flags,
  existing: readonly ApiKey[],
): Pick<ApiKey, 'roles' | 'sources'> {
  const before = existing.find((key) => key.name === name)
  if (rotate) {
    if (role ?? source)
      throw new UsageError('--rotate takes the roles and sources of the key before; leave them out.')
    if (before) return { roles: before.roles, sources: before.sources }
    throw new UsageError(`--rotate needs a key of ${name} in ${file ?? 'the file of --file'}.`)
  }
  if (before) {
    const message = `There is a key of ${name} already. Choose another name, or --rotate for a second key of this name.`
    throw new UsageError(message)
  }
  if (role) return { roles: role, sources: source ?? null }
  throw new UsageError(`--role is missing; allowed is one or more of ${ROLES.join(', ')}.`)
}

const roleOf = choice('--role', ROLES)

function sourceOf(text: string): string {
  if (isKeySource(text)) return text
  throw new UsageError(`--source is ${JSON.stringify(text.slice(0, 80))}; allowed are 1 to 128 characters.`)
}

/** Collects the values of a flag that may be repeated. Each counts once. */
function collected<T>(parse: (text: string) => T) {
  return (text: string, before: readonly T[] = []): T[] => {
    const all = [...new Set([...before, parse(text)])]
    if (all.length > MAX_KEY_SOURCES) throw new UsageError(`A flag has more than ${MAX_KEY_SOURCES} values.`)
    return all
  }
}
