import { endpointName, splitEndpoint } from '../traffic/endpoint-name.js'
import { PLAIN_FOLDING, type EndpointFolding } from '../traffic/endpoint-folding.js'
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

/**
 * The endpoint of a name: `METHOD path` is one method of a path; a raw path counts as its template. A model that was
 * trained before the folding changed knows the endpoint by the shape of its path. O(length).
 */
export function findEndpoint(
  optimizer: RateOptimizer | null,
  asked: string,
  folding: EndpointFolding = PLAIN_FOLDING,
): FoundEndpoint {
  const { method, path } = splitEndpoint(asked)
  const hasMethod = method !== ''
  const known = hasMethod ? optimizer?.byMethod : optimizer?.byTemplate
  const plain = endpointName(method, pathTemplate(path))
  const folded = endpointName(method, folding.template(path))
  const name = known?.has(plain) && !known.has(folded) ? plain : folded
  return { name, hasMethod, model: known?.get(name) ?? null }
}
