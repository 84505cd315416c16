import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { guarded, smallPieces } from '../../scripts/check/guarded.js'
import { startScript } from './cli/process.js'

const ENDLESS = `/${'a'.repeat(60)}!`

t.test('a pattern whose time has no end is stopped; what is thrown within is thrown', async (t) => {
  t.throws(() => guarded(() => void /^\/(a+)+$/i.test(ENDLESS), 50), /take longer than 0.05 s/)
  t.throws(() => guarded(() => JSON.parse('{')), SyntaxError)
  let sum = 0
  guarded(() => void (sum = 3))
  t.equal(sum, 3)
  t.same(
    [...smallPieces(Buffer.alloc(150_000))].map(({ length }) => length),
    [65_536, 65_536, 18_928],
  )
})

t.test('a signal ends a check that is busy with one request', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'aegis-ml-endless-'))
  t.teardown(() => rm(cwd, { recursive: true, force: true }))
  await writeFile(
    join(cwd, 'limits.conf'),
    'limit_req_zone $binary_remote_addr zone=a:1m rate=1r/m; limit_conn a 1; server { location ~ "^/(a+)+$" { limit_req zone=a; } }',
  )
  await writeFile(
    join(cwd, 'access.log'),
    `203.0.113.1 - - [31/Jan/2026:12:00:10 +0000] "GET ${ENDLESS} HTTP/1.1" 200 512\n`,
  )
  const { child, ended } = startScript('aegis-ml', ['check', 'limits.conf', 'access.log'], { cwd })
  // The remark is the last that is said before the requests.
  await once(child.stderr!, 'data')
  child.kill('SIGTERM')
  t.equal((await ended).code, 'SIGTERM')
})
