import type { Server } from 'node:https'
import fp from 'fastify-plugin'
import { readTls } from '../config/tls.js'

/** How often the files of the certificate are looked at. */
const RELOAD_MS = 2_000

/** Takes a renewed certificate without a restart. Connections that are open keep the one before it. */
export default fp(
  async (app) => {
    const { tls } = app.config
    if (tls === null) return
    let last = ''
    let failed: string | undefined
    const reload = () => {
      try {
        const { cert, key } = readTls(tls)
        if (cert + key === last) return
        ;(app.server as Server).setSecureContext({ cert, key })
        if (last !== '') app.log.info('the certificate was read again')
        last = cert + key
        failed = undefined
      } catch (error) {
        const reason = (error as Error).message
        if (reason !== failed)
          app.log.error({ reason }, 'the certificate cannot be used; the one before it stays')
        failed = reason
      }
    }
    reload()
    const timer = setInterval(reload, RELOAD_MS).unref()
    app.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'tls', dependencies: ['config'] },
)
