import { startEmbeddedPostgres } from '../../../db/embedded/embedded-postgres.js'
import { silentLog } from '../../postgres-server.js'

/**
 * A stand-in for a service, to be killed: starts the embedded server of a DATA_PATH, says on standard output, as one
 * line of JSON, how to connect or why not, and stops on SIGTERM.
 */
try {
  const server = await startEmbeddedPostgres({ dataPath: process.argv[2]!, log: silentLog })
  const alive = setInterval(() => undefined, 1_000)
  process.once('SIGTERM', () => {
    clearInterval(alive)
    void server.stop()
  })
  process.stdout.write(`${JSON.stringify({ connection: server.connection })}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`)
  process.exitCode = 1
}
