import { createClfParser } from './clf-line.js'
import { createCsvParser } from './csv-line.js'
import { haproxyText, plainText, type ToText } from './field-text.js'
import type { JsonNames } from './json-fields.js'
import { createJsonParser, type ToObject } from './json-line.js'
import { JSON_PRESETS, type JsonPreset } from './json-presets.js'
import { NO_TIME, PLAIN_READING, emptyEntry, type LineParser, type Reading } from './log-entry.js'
import { logfmtLine, ltsvLine } from './pairs-line.js'
import { LOGFMT_PRESETS, LTSV } from './pairs-presets.js'
import { createFormatParser, createTextParser } from './text/text-line.js'
import { LIKE_COMMON, TEXT_PRESETS } from './text-presets.js'
import { createW3cParser } from './w3c-line.js'
import { createUnwrapper, WRAPPERS, type Bare, type WrapperName } from './wrappers.js'

/**
 * The formats by name. `clf`: common, combined, or NGINX with $request_time; `vhost`: the same after the virtual host;
 * `w3c`: with a header that names the fields; `json`: JSON lines with the usual names; the others: see the two tables
 * of presets, where a server has a format of each kind.
 */
export const LOG_FORMATS = [
  ...['clf', 'vhost', 'json', 'w3c', 'csv', 'ltsv', 'logfmt'],
  ...new Set([TEXT_PRESETS, JSON_PRESETS, LOGFMT_PRESETS].flatMap(Object.keys)),
]

/** The other names of formats. */
const ALIASES: Readonly<Record<string, string>> = {
  common: 'clf',
  combined: 'clf',
  nginx: 'clf',
  apache: 'clf',
  'azure-application-gateway': 'azure-appgateway',
}

/** The format that a name stands for; undefined for none. */
export function formatOfName(name: string): string | undefined {
  const format = ALIASES[name.toLowerCase()] ?? name.toLowerCase()
  return LOG_FORMATS.includes(format) ? format : undefined
}

/** How the lines of a log are read. */
export interface LogFormat {
  /** A name of LOG_FORMATS, `text` for a format that is given in words, `unknown` for none. */
  readonly name: string
  readonly wrappers: readonly WrapperName[]
  /** Lines of the sample that can be read, and one of them. */
  readonly readable: number
  readonly example: string
  createParser(reading: Reading): LineParser
}

/** Servers whose logs may have a header that names the fields. */
const WITH_HEADER = ['iis', 'cloudfront']
/** Servers whose backslashes are backslashes. */
const TO_TEXT: Readonly<Record<string, ToText>> = {
  ...{
    iis: plainText,
    cloudfront: plainText,
    'cloudfront-realtime': plainText,
    'cloudfront-realtime-v1': plainText,
  },
  ...{ envoy: plainText, istio: plainText, emissary: plainText, uvicorn: plainText, haproxy: haproxyText },
}

interface Candidate {
  readonly name: string
  createParser(reading: Reading): LineParser
  /** Reads what the other cannot: the beginnings of the lines are in a simpler format. */
  createFallback?(reading: Reading): LineParser
}

const CLF: Candidate = { name: 'clf', createParser: (reading) => createClfParser(false, reading) }

/** Every way to read lines, the one that asks for most first. */
function allCandidates(names: JsonNames): Candidate[] {
  const texts = Object.entries(TEXT_PRESETS).map(([name, format]): Candidate => {
    const candidate = {
      name,
      createParser: (reading: Reading) =>
        createTextParser(format, { ...reading, isUtc: WITH_HEADER.includes(name) }, TO_TEXT[name]),
    }
    return LIKE_COMMON.has(name) ? { ...candidate, createFallback: CLF.createParser } : candidate
  })
  const objects = (presets: Readonly<Record<string, JsonPreset>>, toObject?: ToObject) =>
    Object.entries(presets).map(([name, preset]): Candidate => {
      return { name, createParser: (reading) => createJsonParser({ names, preset, reading, toObject }) }
    })
  return [
    { name: 'w3c', createParser: createW3cParser },
    { name: 'csv', createParser: (reading) => createCsvParser(names, reading) },
    ...texts,
    ...objects(JSON_PRESETS),
    { name: 'json', createParser: (reading) => createJsonParser({ names, reading }) },
    ...objects(LOGFMT_PRESETS, logfmtLine),
    ...objects({ ltsv: LTSV }, ltsvLine),
    { name: 'ltsv', createParser: (reading) => createJsonParser({ names, reading, toObject: ltsvLine }) },
    { name: 'logfmt', createParser: (reading) => createJsonParser({ names, reading, toObject: logfmtLine }) },
    { name: 'vhost', createParser: (reading) => createClfParser(true, reading) },
    CLF,
  ]
}

/** How the operator says that lines are read. */
export interface FormatChoice {
  /** A name of LOG_FORMATS. */
  readonly name?: string | undefined
  /** A format in the syntax of NGINX or of Apache. */
  readonly text?: string | undefined
  /** The names of fields of JSON. */
  readonly names: JsonNames
}

/** What a choice leaves open: a server may write text and JSON, or a log without its header. */
function candidates({ name, text, names }: FormatChoice): Candidate[] {
  if (text !== undefined)
    return [{ name: 'text', createParser: (reading) => createFormatParser(text, reading) }]
  const all = allCandidates(names)
  if (name === undefined) return all
  return all.filter((each) => each.name === name || (each.name === 'w3c' && WITH_HEADER.includes(name)))
}

/** More wrappers around each other are not looked for. */
const MAX_WRAPPERS = 3

/**
 * The format, and the wrappers around the lines, that most of the lines can be read in; when they can be read in none,
 * the one that they look like. A format that asks for more counts when more than half as many lines fit it. Wrappers
 * are taken off when at least as many lines can be read without them.
 *
 * @throws LogFormatError when the format of the choice cannot be used
 */
export function detectFormat(lines: readonly string[], choice: FormatChoice): LogFormat {
  const open = candidates(choice)
  const parsers = open.map((candidate) => ({ candidate, parse: candidate.createParser(PLAIN_READING) }))
  const bare = lines.map((text) => ({ text, timeMs: NaN }))
  const { wrappers, candidate, readable, example } = detect(bare, parsers, MAX_WRAPPERS)
  const chosen = readable > 0 ? candidate : lookingLike(lines, open)
  const createParser = (reading: Reading) => withFallback(chosen, reading)
  return { name: chosen.name, wrappers, readable, example, createParser }
}

interface Detected {
  readonly candidate: Candidate
  readonly wrappers: readonly WrapperName[]
  /** Lines that can be read, and the first of them. */
  readonly readable: number
  readonly example: string
}

interface Trial {
  readonly candidate: Candidate
  readonly parse: LineParser
}

function detect(lines: readonly Bare[], open: readonly Trial[], depth: number): Detected {
  const asTheyAre = { ...detectBare(lines, open), wrappers: [] }
  if (depth === 0) return asTheyAre
  for (const wrapper of Object.keys(WRAPPERS) as WrapperName[]) {
    const wrapped = lines.filter(({ text }) => WRAPPERS[wrapper](text) !== undefined).length
    if (wrapped === 0 || 2 * wrapped < lines.length) continue
    const unwrap = createUnwrapper([wrapper])
    const inner = lines.flatMap(({ text, timeMs }) => {
      const bare = unwrap(text)
      return bare === null ? [] : [{ ...bare, timeMs: Number.isNaN(bare.timeMs) ? timeMs : bare.timeMs }]
    })
    const found = detect(inner, open, depth - 1)
    if (found.readable > 0 && found.readable >= asTheyAre.readable)
      return { ...found, wrappers: [wrapper, ...found.wrappers] }
  }
  return asTheyAre
}

function detectBare(lines: readonly Bare[], open: readonly Trial[]): Omit<Detected, 'wrappers'> {
  const entry = emptyEntry()
  const counted = open.map(({ candidate }) => ({ candidate, readable: 0, example: '' }))
  for (const { text, timeMs } of lines) {
    open.forEach(({ parse }, index) => {
      if (parse(text, entry, timeMs) === undefined && counted[index]!.readable++ === 0)
        counted[index]!.example = text
    })
  }
  const most = Math.max(...counted.map(({ readable }) => readable))
  return counted.find(({ readable }) => 2 * readable > most) ?? counted[0]!
}

/** For lines that no format can be read in: one that lacks only a time, JSON, or the common format. */
function lookingLike(lines: readonly string[], open: readonly Candidate[]): Candidate {
  const line = lines[0] ?? ''
  const entry = emptyEntry()
  const timeless = open.find(({ createParser }) => createParser(PLAIN_READING)(line, entry) === NO_TIME)
  const name = line.startsWith('{') ? 'json' : 'clf'
  return timeless ?? open.find((each) => each.name === name) ?? open[0]!
}

function withFallback({ createParser, createFallback }: Candidate, reading: Reading): LineParser {
  const parse = createParser(reading)
  if (createFallback === undefined) return parse
  const fallback = createFallback(reading)
  return (line, entry) => (parse(line, entry) === undefined ? undefined : fallback(line, entry))
}
