import { pathTemplate } from '../traffic/path-template.js'
import type { EndpointModel, RateOptimizer } from './optimizer-model.js'

/** An endpoint as it was asked for. */
export interface FoundEndpoint {
  /** `/users/{id}` with all its methods, or `GET /users/{id}`. */
  readonly name: string
  readonly hasMethod: boolean
  /** Null when it was never seen. */
  readonly model: EndpointModel | null
}

const WITH_METHOD = /^([A-Za-z][A-Za-z_-]*) (.*)$/s

/** The endpoint of a name: `METHOD path` is one method of a path; a raw path stands for its template. */
export function findEndpoint(optimizer: RateOptimizer | null, asked: string): FoundEndpoint {
  const [, method, path] = WITH_METHOD.exec(asked) ?? []
  if (method === undefined) {
    const name = pathTemplate(asked)
    return { name, hasMethod: false, model: optimizer?.byTemplate.get(name) ?? null }
  }
  const name = `${method.toUpperCase()} ${pathTemplate(path!)}`
  return { name, hasMethod: true, model: optimizer?.byMethod.get(name) ?? null }
}
