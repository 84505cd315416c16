import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { presetQueries } from '../../formats/prometheus/presets.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { freePort } from './process.js'

const skip = missingProgram('haproxy')

t.test(
  'a real HAProxy has every metric of its preset, with the labels that are selected',
  { skip },
  async (t) => {
    const port = await freePort()
    const file = join(t.testdir(), 'haproxy.cfg')
    await writeFile(
      file,
      `defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend public
  bind 127.0.0.1:${port}
  http-request use-service prometheus-exporter if { path /metrics }
  default_backend api
backend api
  server one 127.0.0.1:1
`,
    )
    const haproxy = spawn('haproxy', ['-f', file], { stdio: 'ignore' })
    const ended = once(haproxy, 'exit')
    t.teardown(async () => {
      haproxy.kill('SIGKILL')
      await ended
    })
    const metrics = await eventually(
      async () => (await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined))?.text(),
      { what: 'the metrics of HAProxy' },
    )
    const queries = JSON.stringify(presetQueries('haproxy', ''))
    const names = new Set(queries.match(/haproxy_\w+/g))
    t.ok(names.size >= 6)
    for (const name of names) t.match(metrics, new RegExp(`^${name}\\{proxy="(?:public|api)"`, 'm'), name)
    for (const code of ['4xx', '5xx']) {
      t.match(metrics, new RegExp(`^haproxy_frontend_http_responses_total\\{.*code="${code}"`, 'm'), code)
    }
  },
)
