import type { RateLimitException } from '../../../models/rate-limit/exception.js'
import type { Numbered } from './endpoint-maps.js'

/** A client with limits of its own. */
export interface Program {
  readonly number: number
  readonly kind: RateLimitException['kind']
  /** As the exceptions have it, and as NGINX takes it. */
  readonly client: string
  readonly name: string
}

/** Maps from the number of an endpoint, and that of a program, to the rule that counts the request. */
export function ruleMaps(all: readonly Numbered[], programs: readonly Program[]): string[] {
  const program = programs.length > 0 ? '$aegis_program' : ''
  const gateway = all.filter(({ isOfGateway }) => isOfGateway)
  const endpoints = all.filter(({ isOfGateway }) => !isOfGateway)
  const gatewayMaps = gateway.flatMap((each) => [
    `map "gateway ${program}" $${gatewayRule(each.number)} {`,
    `    default ${each.number};`,
    ...ownRules(each, programs).map((own) => `    "gateway ${own}" ${each.number}x${own};`),
    '}',
  ])
  if (endpoints.length === 0) return gatewayMaps
  return [
    ...gatewayMaps,
    `map "$aegis_endpoint ${program}" $aegis_rule {`,
    '    default $aegis_endpoint;',
    ...endpoints.flatMap((each) =>
      ownRules(each, programs).map((own) => `    "${each.number} ${own}" ${each.number}x${own};`),
    ),
    '}',
  ]
}

/** The variable with the rule of a limit over the whole gateway. */
export const gatewayRule = (number: string | number) => `aegis_gateway_rule_${number}`

/** Numbers of the programs that have a limit of their own in the place of this one. */
function ownRules({ entry }: Numbered, programs: readonly Program[]): number[] {
  const has = ({ kind, client }: Program) =>
    entry.exceptions.some((own) => own.kind === kind && own.client === client)
  return programs.filter(has).map(({ number }) => number)
}
