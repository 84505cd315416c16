import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { rateLimitFile } from '../../../formats/limit-files/limit-file.js'
import { freePort } from '../../e2e/process.js'
import { missingProgram } from '../../missing-program.js'
import { folderOf, started } from './gateway-process.js'
import { ENTRIES, entryOf, HEAD, LOG, type LoggedRequest } from './limit-requests.js'

/** Debian's Caddy has no rate_limit: each zone becomes a matcher, and each answer names the zones of its request. */
function zonesAsHeaders(text: string): { site: string; names: Map<string, string> } {
  const names = new Map<string, string>()
  const blocks = [
    ...text.matchAll(/# (.*)\n\t\tzone (\w+) \{\n(?:\t\t\tmatch \{\n([^]*?)\n\t\t\t\}\n)?\t\t\tkey/g),
  ]
  const lines = blocks.flatMap(([, endpoint, zone, match]) => {
    names.set(zone!, endpoint!)
    return match === undefined
      ? [`header +X-Zone ${zone}`]
      : [`@${zone} {\n${match}\n}`, `header @${zone} +X-Zone ${zone}`]
  })
  return { site: lines.join('\n'), names }
}

function zonesOf(port: number, { method, target, client }: LoggedRequest, agent: Agent): Promise<string[]> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', method, path: target, localAddress: client, agent }, (response) => {
      const zones = String(response.headers['x-zone'] ?? '')
      response.resume().on('end', () => resolve(zones.split(', ')))
    })
      .on('error', reject)
      .end()
  })
}

t.test('the zones of Caddy match what the backtest counts', { skip: missingProgram('caddy') }, async (t) => {
  const folder = await folderOf(t)
  const port = await freePort()
  const entries = ENTRIES.map((each) => ({ ...each, exceptions: [] }))
  const { site, names } = zonesAsHeaders(rateLimitFile('caddy', entries, HEAD))
  t.equal(names.size, entries.length)
  const file = join(folder, 'Caddyfile')
  await writeFile(
    file,
    `{\n admin off\n auto_https off\n}\nhttp://127.0.0.1:${port} {\n${site}\nrespond ok\n}\n`,
  )
  const { status, stderr } = spawnSync('caddy', ['validate', '--config', file, '--adapter', 'caddyfile'], {
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr.slice(-500))
  await started(t, 'caddy', ['run', '--config', file, '--adapter', 'caddyfile'], port)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const differing: string[] = []
  for (const each of LOG) {
    const found = (await zonesOf(port, each, agent)).map((zone) => names.get(zone) ?? zone).sort()
    const expected = ['/**', entryOf(each)?.endpoint ?? ''].filter((name) => name !== '').sort()
    if (found.join() !== expected.join())
      differing.push(`${each.method} ${each.target}: ${found.join()} (${expected.join()})`)
  }
  t.strictSame([...new Set(differing)], [])
})
