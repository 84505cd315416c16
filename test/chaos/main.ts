import { rm } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import {
  configuredServer,
  connectTo,
  openDirectory,
  relaxDurability,
  startTestServer,
} from '../postgres-server.js'
import { openScope, type Scope } from '../scope.js'
import { FAULTS } from './faults/faults.js'
import { runFaults } from './faults/run.js'
import { setScene } from './faults/scene.js'
import { faultFigures, fuzzFigures } from './figures.js'
import { startInstallation } from './fuzz/installation.js'
import { runFuzz } from './fuzz/run.js'

/**
 * `npm run test:chaos -- [--requests 100000] [--faults 100] [--only REGEXP] [--seconds 3600] [--seed 1]`: generated
 * requests, then faults. Progress is written to standard error, the figures to standard output. The exit code is 1 when a
 * promise was broken.
 */
const values = new Command('test:chaos')
  .description('Sends generated requests, then injects faults, and checks what the service promises.')
  .option('--requests <count>', 'how many requests are generated; 0 leaves this part out', whole, 100_000)
  .option('--faults <count>', 'how many faults are injected; 0 leaves this part out', whole, 100)
  .option('--only <pattern>', 'a regular expression: faults whose name matches (default: all)', pattern)
  .option('--seconds <count>', 'the time that each part may take', whole, 3600)
  .option('--seed <number>', 'another one gives other requests and another order of the faults', whole, 1)
  .parse()
  .opts<{ requests: number; faults: number; only?: RegExp; seconds: number; seed: number }>()
const { seed } = values
const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interruption.abort())

/** Opens what a part needs in a folder of its own, and closes it afterwards. */
async function within<T>(
  part: (scope: Scope, directory: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { scope, close } = openScope()
  const directory = await openDirectory()
  scope.teardown(() => rm(directory, { recursive: true, force: true }))
  const timeout = AbortSignal.timeout(1000 * values.seconds)
  try {
    return await part(scope, directory, AbortSignal.any([interruption.signal, timeout]))
  } finally {
    await close()
  }
}

const say = (text: string) => process.stderr.write(`${text}\n`)

/** An empty database, on the server of the variables TEST_POSTGRES_… or on one that is started. */
async function openDatabase(scope: Scope) {
  let server = configuredServer(process.env)
  if (server === undefined) {
    const own = await startTestServer()
    scope.teardown(() => own.stop())
    await relaxDurability(own.connection)
    server = own.connection
  }
  const admin = connectTo(server)
  const database = `chaos_${process.pid}`
  await admin`create database ${admin(database)}`
  const connection = { ...server, database }
  const sql = connectTo(connection)
  scope.teardown(async () => {
    await sql.end({ timeout: 1 })
    await admin`drop database ${admin(database)} with (force)`
    await admin.end({ timeout: 1 })
  })
  return { sql, connection }
}

const fuzz = (requests: number) =>
  within(async (scope, directory, signal) => {
    const installation = await startInstallation(scope, directory, await openDatabase(scope))
    const report = await runFuzz(installation, {
      ...{ requests, seed, signal },
      onViolation: ({ problem, curl }) => say(`${problem}\n  ${curl}`),
      progress: ({ sent, violations, memory }) => {
        if (sent % 1000 === 0)
          say(`${sent} requests, ${violations} violations, ${Math.round(memory / 2 ** 20)} MiB`)
      },
    })
    return fuzzFigures(report)
  })

const faults = (count: number) =>
  within(async (scope, directory, signal) => {
    const scene = await setScene(scope, directory)
    const rounds = await runFaults(scene, {
      ...{ seed, signal, count },
      among: FAULTS.filter(({ name }) => values.only?.test(name) ?? true),
      progress: ({ fault, readyMs, writingMs, violations }) => {
        const times = `ready after ${Math.round(readyMs)} ms, all writes after ${Math.round(writingMs)} ms`
        say([`${fault}: ${times}`, ...violations].join('\n  '))
      },
    })
    return faultFigures(rounds)
  })

let isKept = true
for (const [count, part] of [
  [values.requests, fuzz],
  [values.faults, faults],
] as const) {
  if (count === 0 || interruption.signal.aborted) continue
  const { text, problems } = await part(count)
  process.stdout.write(`${[text, ...problems.map((problem) => `VIOLATION ${problem}`)].join('\n')}\n`)
  isKept &&= problems.length === 0
}
process.exitCode = isKept ? 0 : 1

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Allowed is a whole number.')
  return Number(text)
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw new InvalidArgumentError('Allowed is a regular expression.')
  }
}
