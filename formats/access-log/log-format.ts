import { createClfParser } from './clf-line.js'
import type { JsonNames } from './json-fields.js'
import { createJsonParser } from './json-line.js'
import { emptyEntry, type LineParser } from './log-entry.js'

export const LOG_FORMATS = ['clf', 'vhost', 'json'] as const

/** `clf`: common, combined, or NGINX with $request_time; `vhost`: the same after the virtual host; JSON lines. */
export type LogFormat = (typeof LOG_FORMATS)[number]

export function createLineParser(format: LogFormat, names: JsonNames): LineParser {
  return format === 'json' ? createJsonParser(names) : createClfParser(format === 'vhost')
}

/**
 * The format that most of the lines can be read in; when they can be read in none, the one that they look like.
 * What begins with a virtual host can be read as if it did not, so that in doubt it does.
 */
export function detectFormat(lines: readonly string[], names: JsonNames): LogFormat {
  const entry = emptyEntry()
  const readable = (format: LogFormat) => {
    const parse = createLineParser(format, names)
    return lines.filter((line) => parse(line, entry) === undefined).length
  }
  const [clf, vhost, json] = [readable('clf'), readable('vhost'), readable('json')]
  if (clf === 0 && vhost === 0 && json === 0) return lines[0]?.startsWith('{') ? 'json' : 'clf'
  if (json > clf && json > vhost) return 'json'
  return 2 * vhost > clf ? 'vhost' : 'clf'
}
