/** Requests that are formatted at a time. Other requests are answered in between. */
const PIECE = 500

/** Texts of some lines each, made as they are taken. */
export function* pieces(count: number, line: (index: number) => string): Generator<string, void> {
  for (let start = 0; start < count; start += PIECE) {
    let text = ''
    for (let index = start; index < Math.min(start + PIECE, count); index++) text += line(index)
    yield text
  }
}
