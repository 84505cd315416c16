import type { Variable } from './variables.js'

/** A format in pieces: texts that stand there as they are, and variables. */
export type Piece = string | Variable

/** A format that cannot be used. The message says why. */
export class LogFormatError extends Error {}

/**
 * Cuts a format.
 *
 * @param pattern of a variable, with the flag `g`
 * @param read what a match stands for
 */
export function cutFormat(
  format: string,
  pattern: RegExp,
  read: (match: RegExpMatchArray) => Piece | readonly Piece[],
): Piece[] {
  const found: Piece[] = []
  let end = 0
  for (const match of format.matchAll(pattern)) {
    if (match.index! > end) found.push(format.slice(end, match.index))
    found.push(...[read(match)].flat())
    end = match.index! + match[0].length
  }
  if (end < format.length) found.push(format.slice(end))
  return joinTexts(found)
}

/** Texts side by side are one text. */
export function joinTexts(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece
    else if (piece !== '') joined.push(piece)
  }
  return joined
}
