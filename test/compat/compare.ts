/** The types of a JSON value: `string`, `number|null`, `empty` for what was in no answer, or those of its parts. */
export type Shape = string | { readonly [key: string]: Shape }

/** What was recorded of an answer of the old service: facts, without its texts. */
export interface Recorded {
  readonly status: number
  /** The content type; null without one. */
  readonly type: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly shape?: Shape
  /** The columns of CSV, and what stands in the first row: `number`, `empty`, or a text with 9 for each digit. */
  readonly csv?: { readonly header: readonly string[]; readonly row: readonly string[] }
  /** Limits that depend on no traffic. */
  readonly numbers?: Readonly<Record<string, number>>
}

export interface Received {
  readonly status: number
  readonly type: string | null
  readonly headers: Headers
  readonly text: string
}

/** What an old caller would miss in an answer, in words. Additions are ignored. */
export function differences(recorded: Recorded, received: Received): string[] {
  const body =
    received.type === 'application/json' ? (JSON.parse(received.text || 'null') as unknown) : undefined
  const found = [...statusDifferences(recorded, received), ...headerDifferences(recorded, received)]
  const isSameKind = recorded.status < 400 === received.status < 400
  if (recorded.shape !== undefined && body !== undefined && body !== null && isSameKind) {
    found.push(...missing(recorded.shape, body, ''))
  }
  if (recorded.csv && received.type === 'text/csv') found.push(...csvDifferences(recorded.csv, received.text))
  const data = (body as { data?: Record<string, unknown> } | undefined)?.data
  for (const [name, value] of Object.entries(recorded.numbers ?? {})) {
    if (data?.['profile'] === null && data[name] !== value)
      found.push(`${name} ${value} → ${String(data[name])}`)
  }
  return [...new Set(found)]
}

function statusDifferences(recorded: Recorded, { status, type }: Received): string[] {
  const isErrorPage = recorded.type === 'text/html' && recorded.status >= 400
  return [
    ...(recorded.status === status ? [] : [`status ${recorded.status} → ${status}`]),
    ...(recorded.type === type || isErrorPage ? [] : [`type ${recorded.type} → ${type}`]),
  ]
}

function headerDifferences(recorded: Recorded, { headers }: Received): string[] {
  return Object.entries(recorded.headers).flatMap(([name, value]) => {
    const now = headers.get(name)
    if (now === null) return [`header ${name} is lost`]
    return now === value || name === 'allow' ? [] : [`header ${name} ${value} → ${now}`]
  })
}

/** Null in one answer and a value in another, depending on the traffic. */
const NULLABLE =
  /\.(anomaly_type|severity|profile|current_limit|details|score_threshold|training_timestamp|baselines)$/

function missing(shape: Shape, value: unknown, path: string): string[] {
  if (shape === 'empty') return []
  if (value === undefined) return [`${path} is lost`]
  if (value === null && NULLABLE.test(path)) return []
  if (typeof shape === 'string') {
    const types = shape.split('|')
    const isFree = types.includes('empty') || (NULLABLE.test(path) && shape === 'null')
    return isFree || types.includes(typeOf(value)) ? [] : [`${path}: ${shape} → ${typeOf(value)}`]
  }
  if (value === null && shape['?'] === 'null') return []
  if (shape['[]'] !== undefined) {
    if (!Array.isArray(value)) return [`${path}: array → ${typeOf(value)}`]
    return value.flatMap((entry) => missing(shape['[]']!, entry, `${path}[]`))
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [`${path}: object → ${typeOf(value)}`]
  const fields = value as Record<string, unknown>
  if (shape['*'] !== undefined) {
    return Object.values(fields).flatMap((entry) => missing(shape['*']!, entry, `${path}*`))
  }
  return Object.entries(shape).flatMap(([key, part]) =>
    key === '?' ? [] : missing(part, fields[key], `${path}.${key}`),
  )
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function csvDifferences({ header, row }: NonNullable<Recorded['csv']>, text: string): string[] {
  const [columns = [], cells = []] = text.split('\n', 2).map((line) => line.trim().split(','))
  return header.flatMap((name, place) => {
    if (columns[place] !== name) return [`column ${name} is not in its place`]
    const cell = kindOf(cells[place] ?? '')
    return cell === row[place] ? [] : [`column ${name}: ${row[place]} → ${cell}`]
  })
}

function kindOf(cell: string): string {
  if (/^-?[\d.]+(e-?\d+)?$/.test(cell)) return 'number'
  return cell === '' ? 'empty' : cell.replace(/\d/g, '9').replace(/\.9+/, '.9')
}
