import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.js'
import { ConfigError, loadConfig, processEnvironment } from './plugins/config.js'

/** EX_CONFIG of sysexits.h. */
const BAD_CONFIGURATION = 78

/** How long stopping may take. */
const STOP_LIMIT_MS = 20_000

async function main(): Promise<void> {
  const config = loadConfig(processEnvironment())
  const starting = buildApp(config)
  // Before the start is complete: a signal during the start must not leave a PostgreSQL running.
  closeWithGrace({ delay: STOP_LIMIT_MS }, async ({ err, signal }) => {
    ignoreFurtherSignals()
    const app = await starting
    if (err) app.log.error({ err }, 'stopping after an error')
    else app.log.info({ signal }, 'stopping')
    await app.close()
    app.log.info('stopped')
  })
  const app = await starting
  try {
    await app.listen({
      host: config.host,
      port: config.port,
      // Fastify takes a server that it did not make for one without TLS.
      listenTextResolver: (address) =>
        `Server listening at ${config.tls === null ? address : address.replace(/^http:/, 'https:')}`,
    })
  } catch (error) {
    await app.close()
    throw cannotListen(error as NodeJS.ErrnoException, config.host)
  }
}

/**
 * A Ctrl-C reaches the process from the terminal, and often again from the program that started it (npm, tsx). The
 * second signal must not interrupt the stop.
 */
function ignoreFurtherSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal)
    process.on(signal, () => undefined)
  }
}

function cannotListen(error: NodeJS.ErrnoException, host: string): Error {
  if (['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'].includes(error.code ?? '')) {
    return new ConfigError('ML_SERVICE_HOST', host, 'a name or an address of this machine')
  }
  if (error.code !== 'EADDRINUSE') return error
  return new Error(`${error.message}. Stop what listens there, or choose another ML_SERVICE_PORT.`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`aegis-ml: ${(error as Error).message}\n`)
  process.exit(error instanceof ConfigError ? BAD_CONFIGURATION : 1)
}
