import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { IncludedFiles } from '../../../scripts/check/included-files.js'
import { LimitReplay } from '../../../scripts/check/replay.js'
import { readLimits } from '../../../formats/limit-files/read/read-limits.js'
import { freePort } from '../../e2e/process.js'
import { missingProgram } from '../../missing-program.js'
import { folderOf, started, statusOf } from './gateway-process.js'
import {
  haproxyConfiguration,
  nginxConfiguration,
  randomRequests,
  type SentRequest,
} from './random-configurations.js'

const FIRST = 1
const SERVERS = 12

interface Checked {
  /** What the gateway reads; its server listens on `port`. */
  readonly text: string
  readonly port: number
  readonly requests: readonly SentRequest[]
}

/** A port that none of the servers has. */
async function unusedPort(checked: readonly Checked[]): Promise<number> {
  const port = await freePort()
  return checked.some((each) => each.port === port) ? unusedPort(checked) : port
}

/** What a gateway really rejects is what check says. Limits are so slow that within a test only the bursts matter. */
async function compare(
  t: Test,
  checked: readonly Checked[],
  gateway: 'nginx' | 'haproxy',
  folder: string,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  let rejected = 0
  const differing: string[] = []
  for (const { text, port, requests } of checked) {
    const replay = new LimitReplay(readLimits(text, gateway, { files: new IncludedFiles(folder) }))
    for (const [i, request] of requests.entries()) {
      const status = await statusOf(port, request, agent)
      const before = replay.total.rejected
      replay.push({
        ...{
          timeMs: 1_000_000 + i,
          method: request.method,
          target: request.target,
          path: request.target.split('?', 1)[0]!,
        },
        ...{ address: request.client, user: '', agent: request.headers?.['user-agent'] ?? '' },
      })
      const isRejected = replay.total.rejected > before
      if (isRejected) rejected++
      if (isRejected !== (status === 429) && differing.length < 5)
        differing.push(
          `${port} ${i} ${request.method} ${request.target} ${request.client}: ${status}\n${text}`,
        )
    }
  }
  t.strictSame(differing, [], 'the same requests are rejected')
  t.ok(rejected > 0)
}

t.test('check rejects what nginx rejects', { skip: missingProgram('nginx') }, async (t) => {
  const folder = await folderOf(t)
  const checked: Checked[] = []
  for (let seed = FIRST; seed < FIRST + SERVERS; seed++) {
    const port = await unusedPort(checked)
    const { text, files } = nginxConfiguration(seed, port)
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    checked.push({ text, port, requests: randomRequests(seed) })
  }
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const head = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; events {}`
  const http = `access_log off; root ${folder}; limit_req_status 429; ${paths.join(' ')}`
  await writeFile(
    join(folder, 'nginx.conf'),
    `${head} http { ${http} ${checked.map(({ text }) => text).join('\n')} }`,
  )
  const flags = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')]
  await started(t, 'nginx', flags, checked[0]!.port, '127.9.9.9')
  await compare(t, checked, 'nginx', folder)
})

t.test('check rejects what haproxy rejects', { skip: missingProgram('haproxy') }, async (t) => {
  const folder = await folderOf(t)
  const checked: Checked[] = []
  for (let seed = FIRST; seed < FIRST + SERVERS; seed++) {
    const port = await unusedPort(checked)
    const { text, files } = haproxyConfiguration(seed, port, folder)
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    checked.push({ text, port, requests: randomRequests(seed) })
  }
  const defaults =
    'defaults\n mode http\n timeout client 10s\n timeout server 10s\n timeout connect 1s\n timeout tarpit 1\n'
  await writeFile(join(folder, 'haproxy.cfg'), defaults + checked.map(({ text }) => text).join('\n'))
  await started(t, 'haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], checked[0]!.port, '127.9.9.9')
  await compare(t, checked, 'haproxy', folder)
})
