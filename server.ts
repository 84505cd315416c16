import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.js'
import { ConfigError, loadConfig, processEnvironment } from './plugins/config.js'

/** EX_CONFIG of sysexits.h. */
const BAD_CONFIGURATION = 78

async function main(): Promise<void> {
  const config = loadConfig(processEnvironment())
  const starting = buildApp(config)
  // From the beginning: a signal during the start must not leave a PostgreSQL behind.
  closeWithGrace({ delay: 20_000 }, async ({ err, signal }) => {
    const app = await starting
    if (err) app.log.error({ err }, 'stopping after an error')
    else app.log.info({ signal }, 'stopping')
    await app.close()
  })
  const app = await starting
  try {
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await app.close()
    throw error
  }
}

try {
  await main()
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException
  const hint = code === 'EADDRINUSE' ? ' Stop what listens there, or choose another ML_SERVICE_PORT.' : ''
  process.stderr.write(`aegis-ml: ${message}${hint}\n`)
  process.exit(error instanceof ConfigError ? BAD_CONFIGURATION : 1)
}
