import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Role } from '../formats/api-keys.js'

interface Media {
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}
interface Parameter {
  readonly in: string
  readonly name: string
  readonly required?: boolean
  readonly schema: { readonly examples?: readonly unknown[]; readonly enum?: readonly unknown[] }
}
interface Described {
  readonly operationId: string
  readonly security: readonly Readonly<Record<string, readonly Role[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, object>>
}

/** An operation of openapi.yaml, with a request that it takes. */
export interface Operation {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly url: string
  /** JSON; undefined without a body. */
  readonly body: string | undefined
  /** Empty for an operation that needs no key. */
  readonly roles: readonly Role[]
  /** Whether the contract has an answer with this status. */
  has(status: number): boolean
}

const document = parse(readFileSync('openapi.yaml', 'utf8'), { maxAliasCount: -1 }) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
}

/** Every operation of the contract. */
export const OPERATIONS: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) =>
    operation(path, method.toUpperCase() as Operation['method'], described),
  ),
)

function operation(path: string, method: Operation['method'], described: Described): Operation {
  const { operationId: id, security, parameters = [], requestBody, responses } = described
  const needed = parameters.filter(({ in: place, required }) => place === 'query' && required)
  const query = new URLSearchParams(
    needed.map((each): [string, string] => [each.name, String(valueOf(each))]),
  )
  const examples = Object.values(requestBody?.content['application/json']?.examples ?? {})
  return {
    id,
    method,
    path,
    url: path.replace(/\{\w+\}/g, '1') + (needed.length > 0 ? `?${query}` : ''),
    body: requestBody && JSON.stringify(examples[0]?.value ?? {}),
    roles: [...new Set(security.flatMap((scheme) => Object.values(scheme).flat()))],
    has: (status) => [String(status), `${Math.floor(status / 100)}XX`].some((each) => each in responses),
  }
}

function valueOf({ schema: { examples = [], enum: allowed = [] } }: Parameter): unknown {
  return examples[0] ?? allowed[0] ?? '1'
}
