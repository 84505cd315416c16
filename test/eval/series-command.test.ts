import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { SetFigures } from '../../eval/series/figures.js'

/** Four days in rows of half an hour, with one row of ten times the usual value, which is labelled. */
function table(odd: number): string {
  const rows = Array.from({ length: 192 }, (_, i) => {
    const usual = 100 + 40 * Math.sin((i * Math.PI) / 24) + ((i * 7) % 5)
    return `${1_767_571_200 + 1800 * i},${i === odd ? 10 * usual : usual},${i >= odd && i < odd + 2 ? 1 : 0}`
  })
  return ['t,value,label', ...rows].join('\n')
}

const evaluate = (...args: string[]) =>
  spawnSync(process.execPath, ['dist/eval/detection/main.js', ...args], {
    encoding: 'utf8',
    timeout: 120_000,
  })

t.test('a folder of series is judged, and the figures are printed', async (t) => {
  const folder = t.testdir({ kpi: { 'two.csv': table(150) }, 'README.md': 'no series' })
  writeFileSync(join(folder, 'rates.one.csv.gz'), gzipSync(table(140)))
  const { stdout, stderr, status } = evaluate('--series', folder, '--json')
  t.ok(status === 0 || status === 1, `exit code ${status}: ${stderr}`)
  t.match(stderr, /2\/2 /, 'progress is on stderr')
  const { sets } = JSON.parse(stdout) as { readonly sets: readonly SetFigures[] }
  t.same(
    sets.map(({ set }) => set),
    ['kpi', 'rates', 'all'],
  )
  const { service, EWMA: ewma } = sets.at(-1)!.contenders
  t.equal(service!.windows, 2)
  t.equal(service!.found, 2, 'the service finds both')
  t.ok(ewma!.f1 > 0 && ewma!.f1 <= 1)
})

t.test('a folder that cannot be read exits with 2 and names the file and the line', async (t) => {
  const folder = t.testdir({ 'a.b.csv': `t,value,label\n1,2,0\n2,many,0\n` })
  const { stderr, status } = evaluate('--series', folder)
  t.equal(status, 2)
  t.match(stderr, /a\.b\.csv: line 3: the value must be from 0 to 1e12/)
  t.equal(evaluate('--series', join(folder, 'missing')).status, 2)
  t.equal(evaluate('--series', t.testdir({})).status, 2)
  t.match(evaluate('--help').stdout, /--series DIR/)
})
