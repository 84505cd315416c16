import t from 'tap'
import { SECRET, startReceiver } from '../plugins/notifications/receiver.js'
import { testService } from '../service.js'
import { runScript } from './cli/process.js'

const receiver = await startReceiver(t)
const service = await testService(t, {
  WEBHOOK_URLS: `${receiver.url}/one, ${receiver.url}/two`,
  WEBHOOK_SECRET: SECRET,
})
const url = await service.app.listen({ port: 0, host: '127.0.0.1' })
const run = (...args: string[]) => runScript('aegis-ml', ['notify-test', ...args])

t.test('a test that arrives everywhere is a success', async (t) => {
  const { code, stdout } = await run('--url', url)
  t.equal(code, 0)
  t.match(stdout, /^webhook:[^ ]+: delivered\nwebhook:[^ ]+: delivered\n$/)
})

t.test('a test that does not arrive everywhere ends with 1 and says why', async (t) => {
  receiver.answer = (response, { path }) => void response.writeHead(path === '/one' ? 204 : 403).end('no')
  const { code, stdout, stderr } = await run('--url', `${url}/`)
  t.match({ code, stderr }, { code: 1, stderr: /1 of 2 did not get the test/ })
  t.match(stdout, /^webhook:[^ ]+: delivered\nwebhook:[^ ]+: it answered 403: no\n$/)
  const asJson = await run('--url', url, '--json')
  t.match(JSON.parse(asJson.stdout), [{ delivered: true }, { delivered: false, status: 403 }])
})

t.test('a server that is no AEGIS ML ends with 3', async (t) => {
  receiver.answer = (response) => void response.writeHead(200).end('null')
  t.match(await run('--url', receiver.url), { code: 3, stderr: /answers with status 200; is it AEGIS ML\?/ })
})

t.test('a bad address ends with 2, a service that is away with 3', async (t) => {
  t.match(await run('--url', 'here'), { code: 2, stderr: /--url is "here"/ })
  await service.app.close()
  t.match(await run('--url', url), { code: 3, stderr: /cannot be reached/ })
})
