import { cutFormat, type Piece } from './pieces.js'
import { headerRole, latency, NOTHING, type Role } from './variables.js'

const TOKEN = /:([a-z][-\w]+)(?:\[([^\]]+)\])?/g
const OWN = /(?:^|[^\w:]):(?:method|url|status|response-time|total-time|remote-addr|date)\b/

const TOKENS: Readonly<Record<string, Role>> = {
  method: { of: 'method' },
  url: { of: 'path' },
  status: { of: 'status', rank: 0 },
  date: { of: 'time' },
  'remote-addr': { of: 'remote', rank: 0 },
  'remote-user': { of: 'user' },
  'user-agent': { of: 'agent' },
  'response-time': latency('ms', 1),
  'total-time': latency('ms'),
}

export const isMorganSyntax = (format: string) => OWN.test(format)

/** The pieces of a format of the npm package morgan: `:method :url :status :response-time ms`. */
export function morganPieces(format: string): Piece[] {
  return cutFormat(format, TOKEN, ([whole, name, argument]) => {
    if (name === 'req') return { name: whole, role: headerRole((argument ?? '').toLowerCase()) }
    if (name === 'res')
      return { name: whole, role: argument === 'content-length' ? { of: 'bytes' } : NOTHING }
    return { name: whole, role: TOKENS[name!] ?? NOTHING }
  })
}
