import t from 'tap'
import fc from '../../properties.js'
import { LineSplitter, MAX_LINE_LENGTH } from '../../../formats/access-log/line-splitter.js'

function split(pieces: readonly string[]) {
  const seen: [number, string, boolean | 'too long'][] = []
  const splitter = new LineSplitter({
    line: (text, isWhole) => void seen.push([splitter.lineNumber, text, isWhole]),
    tooLong: (start) => void seen.push([splitter.lineNumber, start.slice(0, 3), 'too long']),
  })
  for (const piece of pieces) splitter.push(piece)
  splitter.end()
  return seen
}

t.test('lines with their numbers, with either end, empty ones left out', async (t) => {
  t.strictSame(split(['a\nb\r\n\n\r\nc']), [
    [1, 'a', true],
    [2, 'b', true],
    [5, 'c', false],
  ])
  t.strictSame(split([]), [])
  t.strictSame(split(['\n']), [])
})

t.test('wherever the bytes are cut, the lines are the same', async () => {
  const text = fc.stringMatching(/^[ab\r\n]{0,60}$/)
  fc.assert(
    fc.property(text, fc.array(fc.nat(60), { maxLength: 8 }), (text, cuts) => {
      const places = [0, ...cuts.filter((at) => at < text.length).toSorted((a, b) => a - b), text.length]
      const pieces = places.slice(1).map((to, i) => text.slice(places[i], to))
      return JSON.stringify(split(pieces)) === JSON.stringify(split([text]))
    }),
    { numRuns: 1000 },
  )
})

t.test('a line that is too long is told by its beginning, and the next one is a line again', async (t) => {
  const piece = 'x'.repeat(50_000)
  const tooLong = [2, 'xxx', 'too long']
  const expected = [[1, 'a', true], tooLong, [3, 'b', true]]
  t.strictSame(split(['a\n', ...Array<string>(40).fill(piece), '\nb\n']), expected)
  t.strictSame(split([`a\n${'x'.repeat(MAX_LINE_LENGTH + 1)}\nb\n`]), expected)
  t.strictSame(split(['a\n', piece, `${piece}\nb\n`]), expected)
  t.strictSame(split(['a\n', piece, piece]), [[1, 'a', true], tooLong])
  t.equal(split([`${'x'.repeat(MAX_LINE_LENGTH)}\n`])[0]![2], true)
})
