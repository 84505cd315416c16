import { endpointName, splitEndpoint } from '../traffic/endpoint-name.js'
import { pathTemplate } from '../traffic/path-template.js'
import type { EndpointModel, RateOptimizer } from './model.js'

/** An endpoint as it was named in a request. */
export interface FoundEndpoint {
  /** `/users/{id}` with all its methods, or `GET /users/{id}`. */
  readonly name: string
  readonly hasMethod: boolean
  /** Null when it was never seen. */
  readonly model: EndpointModel | null
}

/** The endpoint of a name: `METHOD path` is one method of a path; a raw path counts as its template. O(length). */
export function findEndpoint(optimizer: RateOptimizer | null, asked: string): FoundEndpoint {
  const { method, path } = splitEndpoint(asked)
  const hasMethod = method !== ''
  const name = endpointName(method, pathTemplate(path))
  const known = hasMethod ? optimizer?.byMethod : optimizer?.byTemplate
  return { name, hasMethod, model: known?.get(name) ?? null }
}
