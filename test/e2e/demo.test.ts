import { createHmac } from 'node:crypto'
import { createServer } from 'node:net'
import t from 'tap'
import { startReceiver, type Arrival } from '../../scripts/demo/receiver.js'
import { choosePort } from '../../scripts/demo/service.js'

const signatureOf = (key: Buffer, signed: string) =>
  `v1,${createHmac('sha256', key).update(signed).digest('base64')}`

t.test('the receiver takes what is signed with its secret, and refuses the rest', async (t) => {
  const arrivals: Arrival[] = []
  const receiver = await startReceiver((arrival) => arrivals.push(arrival))
  t.teardown(() => receiver.close())
  const key = Buffer.from(receiver.secret.slice('whsec_'.length), 'base64')
  const body = JSON.stringify({
    type: 'incident.started',
    data: { id: 'msg_1', summary: 'Slow.', incident: { id: '7' } },
  })
  const send = async (keys: readonly Buffer[], sentBody = body, seconds = Math.floor(Date.now() / 1000)) => {
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(seconds),
      'webhook-signature': keys.map((each) => signatureOf(each, `msg_1.${seconds}.${body}`)).join(' '),
    }
    return (await fetch(receiver.url, { method: 'POST', headers, body: sentBody })).status
  }
  t.equal(await send([Buffer.alloc(32), key]), 204)
  t.equal(await send([Buffer.alloc(32)]), 401)
  t.equal(await send([key], `${body} `), 401)
  t.equal(await send([key], body, 1_000_000_000), 401)
  t.equal((await fetch(receiver.url, { method: 'POST', body })).status, 401)
  t.same(arrivals, [{ id: 'msg_1', type: 'incident.started', incident: '7', summary: 'Slow.' }])
})

t.test('another port is chosen when the usual one is taken', async (t) => {
  const blocker = createServer()
  const held = await new Promise<boolean>((resolve) => {
    blocker.once('error', () => resolve(false))
    blocker.listen(5000, '127.0.0.1', () => resolve(true))
  })
  const port = await choosePort()
  t.ok(port > 0 && port !== 5000)
  if (held) await new Promise((resolve) => blocker.close(resolve))
})
