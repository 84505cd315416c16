/** An answer has one series of at most 11,000 points. */
const MAX_BYTES = 8 * 1024 * 1024

/**
 * The body of an answer; undefined for one that is not JSON.
 * @throws Error for one that is too large
 */
export async function readJson(response: Response): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length
    if (size > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES / 1024 ** 2} MiB`)
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString()) as unknown
  } catch {
    return undefined
  }
}
