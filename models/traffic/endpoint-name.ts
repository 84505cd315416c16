const WITH_METHOD = /^([A-Za-z][A-Za-z_-]*) (.*)$/s

/** What an endpoint of one method is called: `GET /users/{id}`; with an empty method the path alone. */
export function endpointName(method: string, path: string): string {
  return method === '' ? path : `${method} ${path}`
}

/**
 * A name as endpoints have it, with the method in capitals.
 * @example canonicalEndpoint('get /users/42') // 'GET /users/42'
 */
export function canonicalEndpoint(name: string): string {
  const { method, path } = splitEndpoint(name)
  return endpointName(method, path)
}

/**
 * The parts of a name: the method in capitals, empty where all methods are meant, and the path as it was given.
 * @example splitEndpoint('get /users/42') // { method: 'GET', path: '/users/42' }
 */
export function splitEndpoint(name: string): { method: string; path: string } {
  const [, method = '', path = name] = WITH_METHOD.exec(name) ?? []
  return { method: method.toUpperCase(), path }
}
