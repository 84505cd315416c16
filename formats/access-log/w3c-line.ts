import { plainText } from './field-text.js'
import { NO_REQUEST, type LineParser, type Reading } from './log-entry.js'
import { createTextParser } from './text/text-line.js'

const FIELDS = '#Fields:'
const BOM = '\xef\xbb\xbf'

/** The fields of the W3C extended log format that say something, as variables of a log format. */
const VARIABLES: Readonly<Record<string, string>> = {
  date: '$date',
  time: '$time',
  'c-ip': '$remote_addr',
  'cs-username': '$remote_user',
  'cs-method': '$request_method',
  'cs-uri-stem': '$uri',
  'cs-uri': '$request_uri',
  'cs-host': '$http_host',
  'cs(host)': '$host',
  'x-host-header': '$host_header',
  'sc-status': '$status',
  'sc-bytes': '$bytes_sent',
  'cs(user-agent)': '$http_user_agent',
  'x-forwarded-for': '$http_x_forwarded_for',
  'cs(x-forwarded-for)': '$http_x_forwarded_for',
}

/** Seconds in CloudFront, milliseconds in IIS; the W3C's draft says seconds. */
const TIME_TAKEN = 'time-taken'
/** Fields that only IIS has. */
const OF_IIS = ['sc-win32-status', 'sc-substatus', 's-sitename']

const UNIT_ASSUMED =
  'time-taken is read as seconds, as the W3C says: give --log-format if it is something else'

/**
 * Reads logs in the W3C's extended format, whose header names the fields (w3.org/TR/WD-logfile.html): IIS, CloudFront
 * and others. A header later in the log counts for the lines after it. Spaces are `+` in IIS, `%20` in CloudFront.
 */
export function createW3cParser(reading: Reading): LineParser {
  let parse: LineParser | undefined
  let problem = 'no #Fields before it'
  return (line, entry, outerMs) => {
    const text = line.startsWith(BOM) ? line.slice(BOM.length) : line
    if (text.startsWith('#')) {
      if (text.startsWith(FIELDS)) {
        try {
          parse = createTextParser(formatOf(text, reading), { ...reading, isUtc: true }, plainText)
        } catch (error) {
          parse = undefined
          problem = (error as Error).message
        }
      }
      return NO_REQUEST
    }
    if (parse === undefined) return problem
    const reason = parse(text, entry, outerMs)
    if (reason === undefined && entry.agent !== null) entry.agent = decoded(entry.agent)
    return reason
  }
}

/** The format that a header describes. */
function formatOf(header: string, reading: Reading): string {
  const names = header.slice(FIELDS.length).trim().split(/\s+/)
  const lower = names.map((name) => name.toLowerCase())
  const isIis = lower.some((name) => OF_IIS.includes(name))
  const isCloudFront = lower.includes('x-edge-location')
  if (lower.includes(TIME_TAKEN) && !isIis && !isCloudFront) reading.doubt(UNIT_ASSUMED, header)
  const taken = isIis ? '$duration_ms' : '$duration_s'
  const separator = isCloudFront || header.includes('\t') ? '\t' : '  '
  return lower
    .map((name, index) => (name === TIME_TAKEN ? taken : (VARIABLES[name] ?? `$field_${index}`)))
    .join(separator)
}

/** Spaces and percent signs as they were. */
function decoded(agent: string): string {
  const spaced = agent.includes(' ') ? agent : agent.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
