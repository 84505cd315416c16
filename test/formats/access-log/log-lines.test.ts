import { readFileSync } from 'node:fs'
import t from 'tap'
import { readLog, type Expected } from './read-log.js'

interface Case {
  readonly format: string
  readonly flags: string
  readonly line: string
  readonly expect: Expected
  /** Why the line cannot be read. */
  readonly refused?: string
}

/** The third has lines of products, as their documentation shows them. */
const FILES = ['log-lines.jsonl', 'related-lines.jsonl', 'product-lines.jsonl']
const ALL = FILES.flatMap((name) =>
  readFileSync(new URL(`../../../../test/formats/access-log/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Case),
)

/** What collectors put around a line. */
const WRAPPERS: Readonly<Record<string, (line: string) => string>> = {
  nothing: (line) => line,
  'syslog (RFC 3164)': (line) => `<190>Mar  3 08:10:58 web1 gateway[17]: ${line}`,
  'syslog with an ISO time': (line) => `2026-03-03T08:10:58.123456+00:00 web1 gateway: ${line}`,
  'syslog (RFC 5424)': (line) => `<190>1 2026-03-03T08:10:58Z web1 gateway 17 - [a@1 b="c"] ${line}`,
  CRI: (line) => `2026-04-21T13:30:52.894456789Z stdout F ${line}`,
  'CRI in pieces': (line) =>
    `2026-04-21T13:30:52.1Z stdout P ${line.slice(0, 20)}\n2026-04-21T13:30:52.1Z stdout F ${line.slice(20)}`,
  Docker: (line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2026-04-19T12:09:40.5Z' }),
  journald: (line) => JSON.stringify({ __REALTIME_TIMESTAMP: '1782852076228000', MESSAGE: line, _PID: '7' }),
  'kubectl logs --prefix': (line) => `[pod/shop-7d9c/gateway] ${line}`,
  'Docker Compose': (line) => `gateway-1  | ${line}`,
}

const CASES = ALL.filter(({ refused }) => refused === undefined)
/** The time of these is that of the wrapper. */
const WITHOUT_TIME = /^Heroku| in (?:Docker|CRI)/

/** Each line is put into so many of the wrappers. */
const WRAPPED = 4

for (const [index, { format, flags, line, expect }] of CASES.entries()) {
  t.test(`${format}: alone, fifty times, with other ends of lines and in wrappers`, async (t) => {
    const lines = line.split('\n')
    t.strictSame(readLog(line, flags).requests, [expect], line)
    const { requests, rejected } = readLog(`${line}\n`.repeat(50), flags)
    t.strictSame({ requests, rejected }, { requests: Array(50).fill(expect), rejected: [] })
    t.strictSame(readLog(`\ufeff${lines.join('\r\n')}\r\n`, flags).requests, [expect], 'a mark and CRLF')
    if (WITHOUT_TIME.test(format)) return
    const all = Object.entries(WRAPPERS)
    const some = all.map((_, i) => all[(WRAPPED * index + i) % all.length]!).slice(0, WRAPPED)
    for (const [name, wrap] of some) {
      const wrapped = lines.map(wrap).join('\n')
      t.strictSame(readLog(wrapped, flags).requests, [expect], `in ${name}`)
    }
    const [name, wrap] = some[0]!
    const wrapped = lines.map(wrap).join('\n')
    t.equal(readLog(`${wrapped}\n`.repeat(50), flags).requests.length, 50, `in ${name}, fifty times`)
  })
}

t.test('lines that do not say what is needed are refused with the reason', async (t) => {
  for (const { format, flags, line, refused } of ALL.filter((each) => each.refused !== undefined)) {
    const { requests, rejected } = readLog(line, flags)
    t.strictSame(requests, [], format)
    t.match(rejected[0], refused, format)
  }
})
