import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Output } from '../cli/output.js'
import { END_OF_ROWS, type DumpEnd, type DumpHead, type TableHead } from './dump-file.js'

/** Writes a dump, in constant memory. */
export interface DumpWriter {
  head(head: DumpHead): Promise<void>
  /** @returns the number of rows */
  table(head: TableHead, rows: AsyncIterable<Buffer>, onRows: (piece: Buffer) => void): Promise<number>
  /** Writes the checksum and the end of the file. */
  finish(): Promise<void>
}

const LEVEL = 4
const NEWLINE = 0x0a

export function createDumpWriter(output: Output): DumpWriter {
  const hash = createHash('sha256')
  const gzip = createGzip({ level: LEVEL })
  const writing = (async () => {
    for await (const piece of gzip as AsyncIterable<Buffer>) await output.write(piece)
  })()
  writing.catch((error: Error) => gzip.destroy(error))

  const write = async (piece: Buffer | string) => {
    hash.update(piece)
    if (!gzip.write(piece)) await Promise.race([once(gzip, 'drain'), writing])
  }
  const line = (value: object) => write(`${JSON.stringify(value)}\n`)

  return {
    head: line,
    async table(head, rows, onRows) {
      await line(head)
      let count = 0
      for await (const piece of rows) {
        for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, at + 1)) count++
        await write(piece)
        onRows(piece)
      }
      await write(END_OF_ROWS)
      await line({ rows: count })
      return count
    },
    async finish() {
      const end: DumpEnd = { sha256: hash.copy().digest('hex') }
      await line(end)
      gzip.end()
      await Promise.all([finished(gzip), writing])
    },
  }
}
