import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { post } from '../../../plugins/notifications/post.js'
import { startReceiver } from './receiver.js'

const receiver = await startReceiver(t)
const request = { url: receiver.url, headers: { 'content-type': 'application/json' }, body: '{}' }
const never = new AbortController().signal

t.test('a receiver that hangs is left after the limit', async (t) => {
  receiver.answer = () => undefined
  const answer = await post(request, never, 50)
  t.match(answer, { isAccepted: false, status: null, problem: 'no answer within 0.05 s' })
})

t.test('an accepted request counts, though its answer never ends', async (t) => {
  receiver.answer = (response) => void response.writeHead(200).write('and so on')
  t.match(await post(request, never), { isAccepted: true, status: 200, problem: null })
  receiver.answer = (response) => void response.writeHead(500).write('and so on')
  t.match(await post(request, never, 500), { isAccepted: false, status: 500 })
})

t.test('what cannot be reached is said without the address', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const answer = await post({ ...request, url: `http://127.0.0.1:${port}/secret` }, never)
  t.match(answer, { isAccepted: false, status: null, problem: 'ECONNREFUSED' })
  t.match(await post({ ...request, url: 'http://no-such-host.invalid/' }, never), { problem: /^E[A-Z_]+$/ })
})

t.test('what an answer repeats of the address and the credentials is not shown', async (t) => {
  const url = `${receiver.url}/hooks/T0-secret/p%40th?token=hidden1&to=all`
  const authorization = `Basic ${Buffer.from('me:pass:word').toString('base64')}`
  const headers = { 'content-type': 'application/json', authorization }
  receiver.answer = (response) =>
    void response.writeHead(404).end(`Cannot POST /hooks/T0-secret/p%40th?token=hidden1&to=all
      for pass:word, ${authorization}: no T0-secret, no hidden1, in /hooks; see api`)
  const { problem } = await post({ ...request, url, headers }, never)
  t.equal(
    problem,
    'it answered 404: Cannot POST (not shown) for (not shown), Basic (not shown): no (not shown), no (not shown), in /hooks; see api',
  )
})

t.test('a request that is called off says so', async (t) => {
  receiver.answer = () => undefined
  const off = new AbortController()
  const waiting = post(request, off.signal)
  off.abort(new Error('the service is stopping'))
  await t.rejects(waiting, /stopping/)
})
