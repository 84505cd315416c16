import t from 'tap'
import fc from '../../properties.js'
import { readLog, type Expected } from './read-log.js'

const CHARACTERS = [...'abcXYZ019-_.~$()*,;:@|[]{}<>`', '%20', '\\x22', '\\x5C', '\\xC3\\xA9']
const path = fc
  .array(fc.constantFrom(...CHARACTERS, '/'), { maxLength: 12 })
  .map((parts) => `/a${parts.join('')}`)
const TEXTS: Readonly<Record<string, string>> = { '\\x22': '"', '\\x5C': '\\', '\\xC3\\xA9': 'é' }
const textOf = (escaped: string) => escaped.replace(/\\x22|\\x5C|\\xC3\\xA9/g, (code) => TEXTS[code]!)

interface Line {
  readonly text: string
  readonly expected: Expected
}

/** A line of the combined format as NGINX writes it, with and without $request_time. */
const lines: fc.Arbitrary<Line> = fc
  .record({
    second: fc.integer({ min: 0, max: 59 }),
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
    path,
    status: fc.integer({ min: 100, max: 599 }),
    client: fc.constantFrom('203.0.113.9', '2001:db8::7', '::1'),
    user: fc.constantFrom('-', 'ada', 'ada lovelace', 'a@b.example'),
    agent: fc.constantFrom(
      '-',
      'curl/8.0',
      'Mozilla/5.0 (X11; \\x22q\\x22 [b]) é',
      '{"log":"x"}',
      'a] "b'.replace('"', '\\x22'),
    ),
    time: fc.constantFrom('', ' 0.000', ' 0.048', ' 61.003'),
    isEmpty: fc.constantFrom(false, false, false, true),
  })
  .map(({ second, method, path, status, client, user, agent, time, isEmpty }) => {
    const clock = `12:09:${String(second).padStart(2, '0')}`
    const request = isEmpty ? '' : `${method} ${path}?q=1 HTTP/1.1`
    return {
      text: `${client} - ${user} [19/Apr/2026:${clock} +0545] "${request}" ${status} 17 "-" "${agent}"${time}`,
      expected: {
        method: isEmpty ? null : method,
        path: isEmpty ? null : textOf(path),
        status,
        ms: time === '' ? null : Math.round(Number(time) * 1000),
        client,
        user: user === '-' ? null : user,
        time: `2026-04-19T06:24:${String(second).padStart(2, '0')}.000Z`,
      },
    }
  })

/** @param cut from 0 to 1, where a line is cut into pieces */
type Wrap = (line: string, cut: number) => string

const WRAPPERS: Readonly<Record<string, Wrap>> = {
  nothing: (line) => line,
  'syslog (RFC 3164)': (line) => `<190>Apr 19 12:09:40 web1 nginx: ${line}`,
  'syslog (RFC 5424)': (line) => `<190>1 2026-04-19T12:09:40Z web1 nginx 17 - [a@1 b="c\\"]"][d@2] ${line}`,
  CRI: (line, cut) => {
    const at = Math.floor(cut * line.length)
    const start = '2026-04-19T12:09:41.1Z stdout'
    const other = '2026-04-19T12:09:41.1Z stderr F what another stream says'
    const pieces = `${start} P ${line.slice(0, at)}\n${start} F ${line.slice(at)}`
    return cut < 0.5 ? pieces : pieces.replace('\n', `\n${other}\n`)
  },
  Docker: (line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2026-04-19T12:09:41.5Z' }),
  'journald, as text': (line) => JSON.stringify({ __REALTIME_TIMESTAMP: '1776600581000000', MESSAGE: line }),
  'journald, as bytes': (line) =>
    JSON.stringify({ __REALTIME_TIMESTAMP: '1776600581000000', MESSAGE: [...Buffer.from(line)] }),
  'syslog in Docker': (line) =>
    JSON.stringify({
      log: `<190>Apr 19 12:09:40 web1 nginx: ${line}\n`,
      stream: 'stdout',
      time: '2026-04-19T12:09:41Z',
    }),
}

t.test(
  'lines with any values are read as they were written, in every wrapper and with every end',
  async () => {
    const wrapper = fc.constantFrom(...Object.keys(WRAPPERS))
    const cases = fc.tuple(
      fc.array(lines, { minLength: 1, maxLength: 8 }),
      wrapper,
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    fc.assert(
      fc.property(
        cases,
        fc.constantFrom('\n', '\r\n', '\n\n'),
        fc.constantFrom('', '\ufeff'),
        ([all, name, cut], end, mark) => {
          const text = all.map(({ text }) => WRAPPERS[name]!(text, cut).replaceAll('\n', end)).join(end)
          const { requests, rejected } = readLog(mark + text + end)
          const expected = JSON.stringify(all.map((each) => each.expected))
          if (
            rejected.some((line) => !line.includes('another stream')) ||
            JSON.stringify(requests) !== expected
          )
            throw new Error(`${text}\n${JSON.stringify(requests)}\n${expected}\n${rejected.join('\n')}`)
        },
      ),
      { numRuns: 400 },
    )
  },
)

t.test('a last line that is not whole is never read as another request', async () => {
  fc.assert(
    fc.property(
      fc.array(lines, { minLength: 2, maxLength: 4 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (all, cut) => {
        const last = all.at(-1)!
        const part = last.text.slice(0, Math.floor(cut * last.text.length))
        const { requests } = readLog(
          `${all
            .slice(0, -1)
            .map(({ text }) => text)
            .join('\n')}\n${part}`,
        )
        if (requests.length < all.length) return
        const { method, path, status, client, user, time } = last.expected
        const read = requests.at(-1)!
        const rest = {
          method: read.method,
          path: read.path,
          status: read.status,
          client: read.client,
          user: read.user,
          time: read.time,
        }
        if (JSON.stringify(rest) !== JSON.stringify({ method, path, status, client, user, time }))
          throw new Error(`${part}\n${JSON.stringify(read)}`)
      },
    ),
    { numRuns: 300 },
  )
})

const COMBINED = '203.0.113.9 - - [19/Apr/2026:12:09:40 +0000] "GET /text HTTP/1.1" 200 17 "-" "curl/8.0"\n'
const JSON_LINE =
  '{"time":"2026-04-19T12:09:40Z","client_ip":"203.0.113.9","method":"GET","path":"/json","status":200}\n'
const HAPROXY =
  '203.0.113.9:51234 [19/Apr/2026:12:09:40.250] front back/s1 0/0/1/30/31 200 17 - - ---- 1/1/0/0/0 0/0 "GET /haproxy HTTP/1.1"\n'

t.test('files whose format changes, or whose lines are in several formats', async (t) => {
  const counts = (text: string) => {
    const { requests, rejected, doubts } = readLog(text)
    const of = (path: string) => requests.filter((each) => each.path === path).length
    return {
      text: of('/text'),
      json: of('/json'),
      haproxy: of('/haproxy'),
      rejected: rejected.length,
      doubts,
    }
  }
  const after = counts(COMBINED.repeat(300) + JSON_LINE.repeat(300) + HAPROXY.repeat(10))
  t.match(after, { text: 300, json: 300, haproxy: 10, rejected: 0 })
  t.match(after.doubts, [/another format \(json\)/, /another format \(haproxy\)/])
  t.match(counts((COMBINED + JSON_LINE).repeat(150)), { text: 150, json: 150, rejected: 0 })
  const noise = '2026/04/19 12:09:40 [error] 17#17: *1 open() "/x" failed (2: No such file or directory)\n'
  t.match(counts((COMBINED + noise).repeat(2000)), { text: 2000, rejected: 2000 })
  t.match(
    counts(COMBINED.repeat(10) + JSON_LINE),
    { text: 10, json: 0, rejected: 1 },
    'one line is no format',
  )
})
