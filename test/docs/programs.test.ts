import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { freePort, get } from '../e2e/process.js'
import { placeOf, runnable, type Block } from './documents.js'
import { trainedService, type ReadersService } from './service.js'
import { programName, toJavaScript, typeErrors } from './snippets.js'

const BLOCKS = runnable('js', 'ts')

t.test('what is shown in JavaScript and TypeScript has no type errors', (t) => {
  t.same(typeErrors(BLOCKS), [])
  t.end()
})

t.test('programs run against the service', async (t) => {
  const service = await trainedService(t)
  for (const block of BLOCKS) {
    const name = programName(block)
    if (name === undefined) continue
    const isGateway = block.text.includes('8080')
    await t.test(placeOf(block), (t) => (isGateway ? runGateway : runToItsEnd)(t, block, service))
  }
})

/** Starts it where it is told to find the service, and to listen on a port that is free. */
async function start(block: Block, { url, folder }: ReadersService, port: number) {
  const file = join(folder, programName(block)!.replace(/\.ts$/, '.js'))
  const text = toJavaScript(block).replaceAll('http://localhost:5000', url).replaceAll('8080', String(port))
  await writeFile(file, text)
  const env = { PATH: process.env['PATH'], ML_SERVICE_URL: url }
  const child = spawn(process.execPath, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stdout.resume()
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (stderr += piece))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  return { child, ended }
}

async function runToItsEnd(t: Test, block: Block, service: ReadersService): Promise<void> {
  const { ended } = await start(block, service, 0)
  t.same(await ended, { code: 0, stderr: '' })
}

/** It answers its clients, reports them when it is told to stop, and ends by itself. */
async function runGateway(t: Test, block: Block, service: ReadersService): Promise<void> {
  const port = await freePort()
  const { child, ended } = await start(block, service, port)
  t.teardown(() => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  await eventually(() =>
    fetch(url)
      .then(({ ok }) => ok)
      .catch(() => false),
  )
  for (let i = 0; i < 12; i++) t.equal(await (await fetch(url)).text(), 'Hello')
  if (block.text.includes('createMLRouter')) {
    const { status, body } = await get(`${url}/ml/anomaly/status`)
    t.match({ status, body }, { status: 200, body: { data: { enabled: true, reachable: true } } })
  }
  child.kill('SIGTERM')
  t.equal((await ended).code, 0)
  const source = /source: '([^']+)'/.exec(block.text)![1]!
  const { body } = await get(`${service.url}/detect/trend?source=${source}`)
  t.ok(Number(body.data['window_size']) >= 1, 'the last interval was reported', body)
  if (!block.text.includes('record:')) return
  const [row] = await service.sql`select count(*)::int as n from request_logs where ip_address = '127.0.0.1'`
  t.ok(row!['n'] >= 12, 'its requests were recorded')
}
