import { placeText, UnreadableLimits } from './limits.js'
import type { Directive } from './nginx-config.js'
import { NginxScript } from './nginx-script.js'

/**
 * The server whose log it is.
 *
 * @param name one of its names; undefined: there must be one server, beside those that only redirect
 * @throws UnreadableLimits when several may be meant
 */
export function chosenServer(
  http: readonly Directive[],
  name: string | undefined,
): { server: Directive | null; remarks: string[] } {
  const servers = http.filter((each) => each.name === 'server' && each.block !== null)
  if (name !== undefined) return { server: named(servers, name), remarks: [] }
  const answering = servers.filter(({ block }) => NginxScript.answersAll(block!))
  const rest = servers.filter((each) => !answering.includes(each))
  if (rest.length > 1) {
    throw new UnreadableLimits(
      rest[1]!.line,
      `there are ${rest.length} servers, and a log does not tell which: give --server (${namesOf(rest)})`,
    )
  }
  const [server = servers[0] ?? null] = rest
  const remarks = answering
    .filter((each) => each !== server)
    .map(
      ({ line }) =>
        `The server of ${placeText(line)} answers everything with return: its requests have no limit.`,
    )
  return { server, remarks }
}

const serverNames = ({ block }: Directive): readonly string[] =>
  block!.filter(({ name }) => name === 'server_name').flatMap(({ args }) => args)

function namesOf(servers: readonly Directive[]): string {
  const names = [...new Set(servers.flatMap(serverNames))]
  return names.length > 0 ? names.slice(0, 10).join(', ').slice(0, 200) : 'they have no server_name'
}

function named(servers: readonly Directive[], name: string): Directive {
  const rank = (each: Directive) => Math.max(0, ...serverNames(each).map((of) => likeness(of, name)))
  const best = Math.max(0, ...servers.map(rank))
  const all = best > 0 ? servers.filter((each) => rank(each) === best) : []
  // The same name often has a server without TLS that redirects.
  const found = all.length > 1 ? all.filter(({ block }) => !NginxScript.answersAll(block!)) : all
  if (found.length === 1) return found[0]!
  if (found.length === 0)
    throw new UnreadableLimits(1, `no server has the name ${name.slice(0, 80)} (${namesOf(servers)})`)
  throw new UnreadableLimits(found[1]!.line, `${found.length} servers have the name ${name.slice(0, 80)}`)
}

/** Exact names before wildcards. */
function likeness(pattern: string, name: string): number {
  const [own, wanted] = [pattern.toLowerCase(), name.toLowerCase()]
  if (own === wanted) return 3
  if (own.startsWith('*.')) return wanted.endsWith(own.slice(1)) ? 2 : 0
  if (own.startsWith('.')) return wanted === own.slice(1) || wanted.endsWith(own) ? 2 : 0
  return own.endsWith('.*') && wanted.startsWith(own.slice(0, -1)) ? 1 : 0
}
