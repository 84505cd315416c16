import { ipNetwork } from './ip-network.js'
import {
  commentText,
  describe,
  headLines,
  leftOut,
  type FileHead,
  type RateLimitEntry,
} from './limit-entry.js'
import { limitPlan, restInWords, type LimitPlan } from './limit-plan.js'
import { endpointMaps, type Numbered } from './nginx/endpoint-maps.js'
import { ruleMaps, type Program } from './nginx/rule-maps.js'
import { zoneLines, zonesOf, type Rule } from './nginx/zones.js'
import { literalPattern } from './path-pattern.js'

const CAN = { longWindow: false, failures: false, distinctPaths: false }

/**
 * A file to be included in the `http` block of NGINX. Maps give each request the number of its endpoint, the number of
 * the program that sent it, and from these the key of the zone that has its limit. The key of all other zones is empty,
 * which is not counted: so no `location` of the configuration has to be touched. The burst of NGINX is one less than
 * ours, as it does not count the request at hand. It rejects nothing until dry run is off.
 */
export function nginxFile(entries: readonly RateLimitEntry[], head: FileHead, dryRun = true): string {
  // NGINX merges slashes before it looks at a path.
  const reachable = entries.filter(({ path }) => !path.includes('//'))
  const unreachable = entries.filter(({ path }) => path.includes('//'))
  const plan = limitPlan(reachable)
  const { gateway, endpoints, other } = numbered(plan)
  const all = [...gateway, ...endpoints, ...(other ? [other] : [])]
  const programs = programsOf(all)
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    ...notes(plan).map((line) => `# ${line}`),
    `limit_req_dry_run ${dryRun ? 'on' : 'off'};`,
    'limit_req_status 429;',
    'limit_req_log_level warn;',
    ...unreachable.map(({ endpoint }) => `# Left out, as NGINX merges slashes: ${commentText(endpoint)}`),
    ...gateway.flatMap(({ entry }) => leftOut(entry, 'NGINX', CAN).map((line) => `# ${line}`)),
    ...unknownPrograms(all).map((client) => `# Left out, as it is no address: ${commentText(client)}`),
    ...(all.length > 0 ? clientMap() : []),
    ...(programs.length > 0 ? programMaps(programs) : []),
    ...endpointMaps(endpoints, other),
    ...ruleMaps(all, programs),
    ...zonesOf(rulesOf(all, programs)).flatMap(zoneLines),
  ]
  return `${lines.join('\n')}\n`
}

/** Endpoints from which on the default of map_hash_max_size (2048) may be too small: NGINX warns, and works. */
const MANY = 500

function notes(plan: LimitPlan): string[] {
  return [
    'Include this file in the http block: include /etc/nginx/aegis-limits.conf;',
    'A block with a limit_req of its own does not inherit these.',
    'Paths are matched as NGINX has them in $uri: decoded, with merged slashes and without dot segments, with their case',
    'and their last slash, without the query string. After a rewrite, that is the new path.',
    `${restInWords(plan)}`,
    ...(plan.endpoints.length > MANY
      ? [`For so many paths, NGINX asks for: map_hash_max_size ${8 * plan.endpoints.length};`]
      : []),
    'limit_req_dry_run on: requests over a limit are only logged. Set it to off to enforce the limits.',
  ]
}

function numbered({ gateway, endpoints, other }: LimitPlan) {
  let number = 0
  const of = (entry: RateLimitEntry, isOfGateway: boolean): Numbered => ({
    entry,
    number: ++number,
    isOfGateway,
  })
  return {
    gateway: gateway.map((entry) => of(entry, true)),
    endpoints: endpoints.map((entry) => of(entry, false)),
    other: other && of(other, false),
  }
}

/** Clients with limits of their own, each once. */
function programsOf(all: readonly Numbered[]): Program[] {
  const found = new Map<string, Program>()
  for (const { kind, client } of all.flatMap(({ entry }) => entry.exceptions)) {
    const name = kind === 'address' ? ipNetwork(client) : client
    const key = `${kind} ${name}`
    if (name !== null && !found.has(key)) found.set(key, { number: found.size + 1, kind, client, name })
  }
  return [...found.values()]
}

function unknownPrograms(all: readonly Numbered[]): string[] {
  const exceptions = all.flatMap(({ entry }) => entry.exceptions)
  const unknown = exceptions.filter(({ kind, client }) => kind === 'address' && ipNetwork(client) === null)
  return [...new Set(unknown.map(({ client }) => client))]
}

/** Two lines of NGINX's own syntax need a backslash before a backslash. */
const quoted = (pattern: string) => pattern.replaceAll('\\\\', '\\\\\\\\')

function clientMap(): string[] {
  return [
    '',
    '# What a client is: its address; of IPv6 the first 64 bits. Put in a variable of yours where clients are known by more,',
    '# such as a user id that NGINX has verified before.',
    'map $remote_addr $aegis_client {',
    '    default $binary_remote_addr;',
    '    "~^::ffff:" $binary_remote_addr;',
    '    "~^(?<aegis_network>(?:[0-9a-f]+:){4})" $aegis_network;',
    '    "~^(?<aegis_prefix>[0-9a-f:]*?::)" $aegis_prefix;',
    '}',
  ]
}

function programMaps(programs: readonly Program[]): string[] {
  const users = programs.filter(({ kind }) => kind === 'user')
  const addresses = programs.filter(({ kind }) => kind === 'address')
  return [
    '',
    '# Programs with limits of their own.',
    'geo $aegis_address_program {',
    '    default "";',
    ...addresses.map(({ name, number }) => `    ${name} ${number};`),
    '}',
    '# The user: $remote_user is what the client claims. Put in the variable that has the verified user.',
    'map $remote_user $aegis_program {',
    '    default $aegis_address_program;',
    ...users.map(({ name, number }) => `    "~^${quoted(literalPattern(name, 'bytes'))}\\z" ${number};`),
    '}',
  ]
}

/** The rule of each entry, and those of its exceptions. */
function rulesOf(all: readonly Numbered[], programs: readonly Program[]): Rule[] {
  return all.flatMap(({ entry, number, isOfGateway }) => [
    {
      ...entry,
      place: `${number}`,
      isOfGateway,
      ofClients: entry.scope !== 'endpoint',
      words: describe(entry),
    },
    ...programs.flatMap((program) => {
      const own = entry.exceptions.find(
        ({ kind, client }) => kind === program.kind && client === program.client,
      )
      if (!own) return []
      const words = `${own.limit} a minute, ${own.burst} at once, for a program`
      return [{ ...own, place: `${number}x${program.number}`, isOfGateway, ofClients: false, words }]
    }),
  ])
}
