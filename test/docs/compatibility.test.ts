import t from 'tap'
import { cellName, MATRIX } from '../compat/matrix.js'
import { read } from './documents.js'

const DOCUMENT = 'docs/compatibility.md'

const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

/** The cells of the table below a heading that say anything, by row and column. */
function claimed(title: string): string[] {
  const section = read(DOCUMENT).split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const [header, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'))
  const [, ...columns] = cellsOf(header ?? '')
  return rows.flatMap((line) => {
    const [row, ...cells] = cellsOf(line)
    return columns.filter((_, n) => cells[n] !== '').map((column) => cellName(row!, column))
  })
}

for (const [title, { rows, columns }] of Object.entries(MATRIX)) {
  t.test(`${title}: each cell that is claimed is run, and each that is run is claimed`, (t) => {
    const run = rows.flatMap((row) => columns.map((column) => cellName(row, column)))
    t.same(claimed(title), run)
    t.end()
  })
}

t.test('the page has no other matrix', (t) => {
  const titles = [...read(DOCUMENT).matchAll(/^## (.*)$/gm)].map(([, title]) => title!)
  t.same(
    titles.filter((title) => title !== 'How it is tested'),
    Object.keys(MATRIX),
  )
  t.end()
})
