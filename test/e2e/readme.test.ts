import { readFile } from 'node:fs/promises'
import t from 'tap'
import { testService, type Answer, type Service } from '../service.js'

t.test('the curl lines of the README answer as it says', async (t) => {
  const commands = curlCommands(await readFile('README.md', 'utf8'))
  const service = await testService(t)
  // A gateway that has been writing its log for a while.
  await service.sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select time, 'GET', '/', 200, 20 from unnest(array[now() - interval '1 hour', '2026-01-15T12:00Z']) time`
  const answers = new Map<string, Answer>()
  for (const command of commands) answers.set(command, await run(service, command))
  const [generated, trained, usual, spike] = [...answers.values()]
  t.match(generated, { status: 200, body: { data: { generated: true } } })
  t.match(trained, { status: 200, body: { data: { trained: true } } })
  t.match(usual, { status: 200, body: { data: { anomaly: false } } })
  t.match(spike, {
    status: 200,
    body: { data: { anomaly: true, anomaly_type: 'traffic_spike', severity: 'critical' } },
  })
  for (const [command, { status }] of answers) {
    t.equal(status, /"wait": false|ingest/.test(command) ? 202 : 200, command)
  }
})

/** The curl commands in the shell blocks of a document, each on one line. */
function curlCommands(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/```sh\n([^`]*)```/g)].map(([, block]) => block!)
  return blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, '').split('\n'))
    .filter((line) => line.startsWith('curl '))
}

/** As the shell would, with the date for its command. */
const withTime = (command: string) => command.replaceAll(`'$(date -u +%FT%TZ)'`, new Date().toISOString())

/** Does what curl would do with the flags that the README uses; another flag is an error. */
async function run({ app }: Service, command: string): Promise<Answer> {
  const words = [...withTime(command).matchAll(/'([^']*)'|(\S+)/g)]
    .map(([, quoted, bare]) => quoted ?? bare!)
    .slice(1)
  let method: 'GET' | 'POST' = 'GET'
  let url = ''
  let payload: string | undefined
  const headers: Record<string, string> = {}
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-s') continue
    if (word === '-X') method = words.shift() as 'GET' | 'POST'
    else if (word === '-H') {
      const [name, value] = words.shift()!.split(': ') as [string, string]
      headers[name] = value
    } else if (word === '-d') {
      method = 'POST'
      payload = words.shift()!
    } else if (word.startsWith('localhost:5000/')) url = word.slice('localhost:5000'.length)
    else throw new Error(`The README uses curl with ${word}, which this test does not know.`)
  }
  const response = await app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
  const isJson = String(response.headers['content-type']).startsWith('application/json')
  return { status: response.statusCode, body: isJson ? response.json() : ({} as Answer['body']) }
}
