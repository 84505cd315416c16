const WITH_METHOD = /^([A-Za-z][A-Za-z_-]*) (.*)$/s

/** What an endpoint of one method is called: `GET /users/{id}`; with an empty method the path alone. */
export function endpointName(method: string, path: string): string {
  return method === '' ? path : `${method} ${path}`
}

/**
 * The parts of a name: the method in capitals, empty where all methods are meant, and the path as it was given.
 * @example splitEndpoint('get /users/42') // { method: 'GET', path: '/users/42' }
 */
export function splitEndpoint(name: string): { method: string; path: string } {
  const [, method = '', path = name] = WITH_METHOD.exec(name) ?? []
  return { method: method.toUpperCase(), path }
}
