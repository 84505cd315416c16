import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { createBoundedServer } from '../../../plugins/http/load/server.js'
import { makeCertificates } from '../../docker/router.js'
import { eventually } from '../../eventually.js'
import { missingProgram } from '../../missing-program.js'

t.test('connections are bounded with TLS too', { skip: missingProgram('openssl') }, async (t) => {
  const { replicas, router } = await makeCertificates(t)
  const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
  const server = createBoundedServer(
    (_request, response) => void response.end('ok'),
    {
      ...{ maxConnections: 100, maxPerAddress: 2, isExempt: () => false },
      ...{ headersMs: 60_000, requestMs: 60_000, checkMs: 20, keepAliveMs: 60_000 },
    },
    { cert: read(replicas, 'tls.crt'), key: read(replicas, 'tls.key') },
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, ca: read(router, 'ca.crt'), servername: 'aegis-ml-replicas' })
  const silent: Socket[] = []
  t.teardown(async () => {
    agent.destroy()
    for (const each of silent) each.destroy()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const beSilent = async () => {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined)
    silent.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const get = async () => {
    const sent = request({ agent, port, host: '127.0.0.1' }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    await text(response)
    return response.statusCode
  }

  const [first, second] = [await beSilent(), await beSilent()]
  await eventually(() => server.load.connections === 2, { what: 'two connections without a handshake' })
  t.equal(await get(), 200, 'one of them makes room')
  await eventually(() => first.destroyed, { what: 'the end of the one that has waited longest' })
  t.notOk(second.destroyed)
  t.equal(await get(), 200, 'on the same connection')
  t.match(server.load, { connections: 2, closedConnections: 1 })
  await beSilent()
  await eventually(() => second.destroyed, { what: 'the end of the next one' })
  agent.destroy()
  await eventually(() => server.load.connections === 1, { what: 'the end of the connection of the requests' })
})
