import { cutFormat, LogFormatError, type Piece } from './pieces.js'
import { headerRole, latency, NOTHING, type Role } from './variables.js'

/** `%REQ(:METHOD)%`, `%START_TIME(%s.%3f)%`, `%REQ(:PATH):256%` */
const OPERATOR = /%([A-Z][A-Z\d_]+)(?:\(((?:[^()]|\([^()]*\))*)\))?(?::\d+)?%/g
const ANY_OPERATOR = new RegExp(OPERATOR.source)

const OPERATORS: Readonly<Record<string, Role>> = {
  START_TIME: { of: 'time' },
  START_TIME_LOCAL: { of: 'time' },
  PATH: { of: 'path' },
  RESPONSE_CODE: { of: 'status', rank: 0 },
  DURATION: latency('ms'),
  ROUNDTRIP_DURATION: latency('ms', 2),
  BYTES_SENT: { of: 'bytes' },
  DOWNSTREAM_REMOTE_ADDRESS: { of: 'remote', rank: 0 },
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: { of: 'remote', rank: 0 },
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: { of: 'remote', rank: 1 },
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: { of: 'remote', rank: 1 },
}

const UNITS = { ms: 'ms', us: 'us', ns: 'ns' } as const

export const isEnvoySyntax = (format: string) => ANY_OPERATOR.test(format)

/** The pieces of a format in Envoy's syntax: envoyproxy.io, "Access logging", "Command operators". */
export function envoyPieces(format: string): Piece[] {
  return cutFormat(format.replace(/\\n$|\n$/, ''), OPERATOR, ([whole, name, argument]) => {
    return { name: whole, role: roleOf(name!, argument ?? '') }
  })
}

function roleOf(name: string, argument: string): Role {
  if (name === 'REQ') return requestRole(argument.toLowerCase())
  if (name === 'COMMON_DURATION') return spanRole(argument)
  if (name === 'START_TIME' && argument.includes('%Y') && !/%H|%T|%X|%R/.test(argument))
    throw new LogFormatError(`%START_TIME(${argument})% has no time of day`)
  return OPERATORS[name] ?? NOTHING
}

/** A header, or another where it is missing: `X-ENVOY-ORIGINAL-PATH?:PATH`. */
function requestRole(names: string): Role {
  const all = names.split('?')
  if (all.includes(':method')) return { of: 'method' }
  if (all.includes(':path') || all.includes('x-envoy-original-path')) return { of: 'path' }
  return headerRole(all[0]!)
}

/** The time between two points, `DS_RX_BEG:DS_TX_END:us`; only these two are the request and its answer. */
function spanRole(argument: string): Role {
  const [from, to, unit = ''] = argument.split(':')
  const isWhole = from === 'DS_RX_BEG' && to === 'DS_TX_END' && Object.hasOwn(UNITS, unit)
  return isWhole ? latency(UNITS[unit as keyof typeof UNITS], 1) : NOTHING
}
