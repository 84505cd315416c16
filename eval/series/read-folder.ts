import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parseSeries, parseWindows, type LabelledTimes } from './parse-series.js'
import type { Series } from './series.js'

const TABLE = /\.csv(\.gz)?$/
const HIDDEN = /(^|[/\\])[.]/

/**
 * The series of a folder and of its folders, sorted by name: files `SET.NAME.csv`, or `NAME.csv` in a folder that is the
 * set. A JSON file that names windows of incidents for files is read as such.
 *
 * @throws Error that names the file, for one that cannot be read
 */
export function readFolder(folder: string): Series[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => !HIDDEN.test(file),
  )
  files.sort()
  const windows = new Map<string, LabelledTimes>()
  for (const file of files.filter((each) => each.endsWith('.json'))) {
    for (const [name, times] of named(file, () => parseWindows(textOf(folder, file)))) {
      windows.set(basename(name).replace(TABLE, ''), times)
    }
  }
  return files
    .filter((file) => TABLE.test(file))
    .map((file) => {
      const name = basename(file).replace(TABLE, '')
      const parent = dirname(file)
      const dot = name.indexOf('.')
      const set = dot > 0 ? name.slice(0, dot) : parent === '.' ? name : basename(parent)
      return { name, set, ...named(file, () => parseSeries(textOf(folder, file), windows.get(name))) }
    })
}

function textOf(folder: string, file: string): string {
  const bytes = readFileSync(join(folder, file))
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text.replace(/^\uFEFF/, '')
}

function named<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
  }
}
