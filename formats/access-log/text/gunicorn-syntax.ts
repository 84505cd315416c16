import { cutFormat, type Piece } from './pieces.js'
import { headerRole, latency, NOTHING, type Role } from './variables.js'

const ATOM = /%\((?:\{([^}]+)\})?([A-Za-z])\)s/g
const ANY_ATOM = new RegExp(ATOM.source)

const ATOMS: Readonly<Record<string, Role>> = {
  h: { of: 'remote', rank: 0 },
  u: { of: 'user' },
  r: { of: 'request' },
  m: { of: 'method' },
  U: { of: 'path' },
  q: { of: 'query' },
  s: { of: 'status', rank: 0 },
  b: { of: 'bytes' },
  B: { of: 'bytes' },
  a: { of: 'agent' },
  D: latency('us'),
  L: latency('s', 1),
  M: latency('ms', 2),
  T: latency('s', 3),
}

export const isGunicornSyntax = (format: string) => ANY_ATOM.test(format)

/** The pieces of a format in Gunicorn's syntax: docs.gunicorn.org, "access_log_format". Its `t` has brackets. */
export function gunicornPieces(format: string): Piece[] {
  return cutFormat(format, ATOM, ([whole, header, letter]) => {
    if (header !== undefined)
      return { name: whole, role: letter === 'i' ? headerRole(header.toLowerCase()) : NOTHING }
    if (letter === 't') return ['[', { name: whole, role: { of: 'time' } }, ']']
    return { name: whole, role: ATOMS[letter!] ?? NOTHING }
  })
}
