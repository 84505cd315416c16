import { utf8 } from './field-text.js'
import type { ToObject } from './json-line.js'

const NON_ASCII = /[\x80-\xff]/
const LOGFMT_PAIR = /([A-Za-z_@][\w.@-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)/g
const LTSV_LINE = /^[\w.-]+:[^\t]*(?:\t[\w.-]+:[^\t]*)+$/

const decoded = (line: string) => (NON_ASCII.test(line) ? utf8(line) : line)

/** The names and values of a line such as `at=info method=GET path="/"`. */
export const logfmtLine: ToObject = (line) => {
  const pairs = [...decoded(line).matchAll(LOGFMT_PAIR)].map(([, name, quoted, bare]): [string, string] => [
    name!,
    quoted === undefined ? bare! : quoted.replace(/\\(.)/g, '$1'),
  ])
  return pairs.length > 1 ? Object.fromEntries(pairs) : 'no name=value pairs'
}

/** Labelled tab-separated values: `time:…` and `status:…` with tabs between them. */
export const ltsvLine: ToObject = (line) => {
  if (!LTSV_LINE.test(line)) return 'no labels with tabs between them'
  return Object.fromEntries(
    decoded(line)
      .split('\t')
      .map((pair): [string, string] => {
        const colon = pair.indexOf(':')
        return [pair.slice(0, colon), pair.slice(colon + 1)]
      }),
  )
}
