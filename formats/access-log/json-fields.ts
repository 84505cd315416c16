/** What can be taken from a line of JSON, and the names it usually has; the first that a line has counts. */
const USUAL_NAMES = {
  timestamp: ['timestamp', 'time', '@timestamp', 'ts', 'time_iso8601', 'time_local', 'msec', 'StartUTC'],
  /** The whole request line. */
  request: ['request', 'request_line'],
  method: ['method', 'request_method', 'http_method', 'request.method', 'RequestMethod'],
  path: ['path', 'uri', 'request_uri', 'request_path', 'url', 'request.uri', 'RequestPath'],
  host: ['http_host', 'request.host', 'RequestHost', 'request_host', 'authority', 'host', 'server_name'],
  status: ['status', 'status_code', 'statusCode', 'response_code', 'http_status', 'DownstreamStatus'],
  latency_ms: [
    'duration_ms',
    'response_time_ms',
    'latency_ms',
    'responseTime',
    'request_time_ms',
    'elapsed_ms',
  ],
  latency_s: ['request_time', 'duration_s', 'latency_s'],
  latency_us: ['duration_us', 'latency_us'],
  latency_ns: ['duration_ns', 'latency_ns'],
  client: [
    'client_ip',
    'remote_addr',
    'ip',
    'ip_address',
    'remote_ip',
    'clientip',
    'request.client_ip',
    'ClientHost',
    'sourceIp',
    'client',
  ],
  /** X-Forwarded-For. */
  forwarded: [
    'x_forwarded_for',
    'http_x_forwarded_for',
    'x-forwarded-for',
    'X-Forwarded-For',
    'forwarded_for',
    'xff',
    'request.headers.x-forwarded-for',
    'request.headers.X-Forwarded-For',
    'request_X-Forwarded-For',
  ],
  user: ['user_id', 'remote_user', 'user', 'ClientUsername'],
  user_agent: ['http_user_agent', 'user_agent', 'userAgent', 'agent', 'request_User-Agent'],
  /** The time of the end, from which the latency follows when nothing else says it. */
  end: [],
  bytes: ['body_bytes_sent', 'bytes_sent', 'bytes_out', 'bytes', 'size', 'DownstreamContentSize'],
} as const

export type JsonField = keyof typeof USUAL_NAMES

export const JSON_FIELDS = Object.keys(USUAL_NAMES) as readonly JsonField[]

/** What a field is called in the lines of one log, where that is none of the usual names. */
export type JsonNames = Readonly<Partial<Record<JsonField, string>>>

type PresetNames = Readonly<Partial<Record<JsonField, readonly string[]>>>

/** Finds a value in a line; `a.b` is the key `a.b`, or else `b` in the object `a`. */
export type FieldReader = (line: Readonly<Record<string, unknown>>) => unknown

/**
 * @param names that the operator gives
 * @param preset the names of a server, undefined for the usual ones
 * @returns a reader of undefined where none of the names is there, or null
 */
export function fieldReader(field: JsonField, names: JsonNames, preset?: PresetNames): FieldReader {
  const given = names[field]
  const known = preset === undefined ? USUAL_NAMES[field] : (preset[field] ?? [])
  const readers = (given === undefined ? known : [given]).map(sumReader)
  return (line) => {
    for (const read of readers) {
      const value = read(line)
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }
}

/** `a+b` is the sum of two durations, as a text with their units. */
function sumReader(name: string): FieldReader {
  if (!/^\w+\+\w+$/.test(name)) return pathReader(name)
  const [a, b] = name.split('+').map(pathReader) as [FieldReader, FieldReader]
  return (line) => {
    const [first, second] = [a(line), b(line)]
    const areTexts = typeof first === 'string' && typeof second === 'string'
    return areTexts ? first + second : undefined
  }
}

export function pathReader(name: string): FieldReader {
  const keys = name.split('.')
  if (keys.length === 1) return (line) => line[name]
  return (line) => {
    if (line[name] !== undefined) return line[name]
    let value: unknown = line
    for (const key of keys) {
      if (typeof value !== 'object' || value === null) return undefined
      value = (value as Record<string, unknown>)[key]
    }
    return value
  }
}
