import t from 'tap'
import { createClfParser } from '../../../formats/access-log/clf-line.js'
import { emptyEntry, type LogEntry } from '../../../formats/access-log/log-entry.js'

const TIME = '[17/May/2015:10:05:03 +0200]'
const TIME_MS = Date.UTC(2015, 4, 17, 8, 5, 3)

function read(line: string, hasHost = false): LogEntry | string {
  const entry = emptyEntry()
  return createClfParser(hasHost)(line, entry) ?? entry
}

const plain = {
  timeMs: TIME_MS,
  method: 'GET',
  path: '/a',
  status: 200,
  latencyMs: null,
  client: '192.0.2.1',
  user: null,
  agent: null,
  bytes: 512,
  host: null,
  isCut: false,
}

t.test('common, combined, with a virtual host, with the time of the request', async (t) => {
  const common = `192.0.2.1 - - ${TIME} "GET /a?b=1 HTTP/1.1" 200 512`
  const combined = `${common} "https://example.com/" "curl/8.0"`
  t.strictSame(read(common), plain)
  t.strictSame(read(combined), { ...plain, agent: 'curl/8.0' })
  t.strictSame(read(`www.example.com:443 ${combined}`, true), {
    ...plain,
    host: 'www.example.com:443',
    agent: 'curl/8.0',
  })
  t.strictSame(read(`${combined} 0.1234`), { ...plain, agent: 'curl/8.0', latencyMs: 123 })
  t.strictSame(read(`${common} 1.000`), { ...plain, latencyMs: 1000 })
})

t.test('the time of the request among other fields', async (t) => {
  const combined = `192.0.2.1 - - ${TIME} "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8.0"`
  const latency = (rest: string) => (read(`${combined}${rest}`) as LogEntry).latencyMs
  t.equal(latency(' "203.0.113.9, 10.0.0.1" rt=0.250 uct="0.1" urt="0.2"'), 250)
  t.equal(latency(' "rt=0.251"'), 251)
  t.equal(latency(' request_time=2'), 2000)
  t.equal(latency(' 0.252 0.100 .'), 252, 'the first; after it come those of upstream servers')
  t.equal(latency(' "2.35"'), null, 'in quotes and without a name it is $gzip_ratio')
  t.equal(latency(' 1234'), null, 'a whole number may be anything')
  t.equal(latency(' -'), null)
})

t.test('users, also with spaces and brackets, and those that are none', async (t) => {
  const user = (text: string) => (read(`192.0.2.1 - ${text} ${TIME} "GET / HTTP/1.1" 200 1`) as LogEntry).user
  t.equal(user('ada'), 'ada')
  t.equal(user('ada lovelace'), 'ada lovelace')
  t.equal(user('a [b'), 'a [b')
  t.equal(user('a] [b]'), 'a] [b]')
  t.equal(user('[-'), '[-')
  t.equal(user('-'), null)
  t.equal(user('""'), null)
})

t.test('escapes are undone, then the bytes are UTF-8', async (t) => {
  const quoted = `192.0.2.1 - - ${TIME} "GET /\\x22a\\xC3\\xA9\\x5c HTTP/1.1" 200 1 "-" "a \\"b\\" \\\\ \\t \xc3\xa9 \xff"`
  const entry = read(quoted) as LogEntry
  t.equal(entry.path, '/"aé\\')
  t.equal(entry.agent, 'a "b" \\ \t é \ufffd')
})

t.test('requests that are none are requests all the same', async (t) => {
  const request = (text: string) => {
    const entry = read(`192.0.2.1 - - ${TIME} "${text}" 400 0`) as LogEntry
    return [entry.method, entry.path, entry.status]
  }
  t.strictSame(request('-'), [null, null, 400])
  t.strictSame(request(''), [null, null, 400])
  t.strictSame(request('\\x16\\x03\\x01\\x02 \\x01'), [null, null, 400])
  t.strictSame(request('GET /old'), ['GET', '/old', 400])
  t.strictSame(request('GET /with a space HTTP/1.0'), ['GET', '/with a space', 400])
  t.strictSame(request('GET http://example.com/a/b HTTP/1.1'), ['GET', '/a/b', 400])
  t.strictSame(request('GET http://example.com HTTP/1.1'), ['GET', '/', 400])
  t.strictSame(request('GET http://example.com?a=1 HTTP/1.1'), ['GET', '/', 400])
  t.strictSame(request('OPTIONS * HTTP/1.1'), ['OPTIONS', '*', 400])
  t.strictSame(request('CONNECT example.com:443 HTTP/1.1'), ['CONNECT', 'example.com:443', 400])
})

t.test('a line may end within the last quotes, which is told', async (t) => {
  const start = `192.0.2.1 - - ${TIME} "GET /a?b=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (comp`
  t.strictSame(read(start), { ...plain, agent: 'Mozilla/5.0 (comp', isCut: true })
})

t.test('nothing is left of the line before', async (t) => {
  const parse = createClfParser(false)
  const entry = emptyEntry()
  parse(`192.0.2.1 - ada ${TIME} "GET /a HTTP/1.1" 200 512 "-" "curl/8.0" 0.250`, entry)
  t.equal(parse(`192.0.2.2 - - [17/May/2015:10:05:04 +0200] "-" 408 -`, entry), undefined)
  t.strictSame(entry, {
    ...plain,
    timeMs: TIME_MS + 1000,
    client: '192.0.2.2',
    method: null,
    path: null,
    status: 408,
    bytes: null,
  })
})

t.test('why a line cannot be read', async (t) => {
  const reasons: Readonly<Record<string, RegExp>> = {
    'no log': /no time in brackets/,
    [`192.0.2.1 - - ${TIME} GET / 200 1`]: /no time in brackets, followed by a request/,
    [`192.0.2.1 ${TIME} "GET / HTTP/1.1" 200 1`]: /no client/,
    [`- - - ${TIME} "GET / HTTP/1.1" 200 1`]: /no client/,
    '192.0.2.1 - - [yesterday] "GET / HTTP/1.1" 200 1': /time that cannot be read/,
    '192.0.2.1 - - [31/Apr/2015:10:05:03 +0200] "GET / HTTP/1.1" 200 1': /time that cannot be read/,
    [`192.0.2.1 - - ${TIME} "GET / HTTP/1.1 200 1`]: /does not end/,
    [`192.0.2.1 - - ${TIME} "GET / HTTP/1.1"`]: /no status/,
    [`192.0.2.1 - - ${TIME} "GET / HTTP/1.1" 2000 1`]: /no status/,
    [`192.0.2.1 - - ${TIME} "GET / HTTP/1.1" OK 1`]: /no status/,
    [`192.0.2.1 - - ${TIME} "GET / HTTP/1.1" 200 many`]: /no size/,
  }
  for (const [line, reason] of Object.entries(reasons)) t.match(read(line), reason, line)
})
