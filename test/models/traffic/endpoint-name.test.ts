import t from 'tap'
import { endpointName, splitEndpoint } from '../../../models/traffic/endpoint-name.js'

t.test('a name is a path, or a method and a path, and comes apart as it was put together', async (t) => {
  t.same(splitEndpoint('get /users/42'), { method: 'GET', path: '/users/42' })
  t.same(splitEndpoint('/a b'), { method: '', path: '/a b' })
  for (const [method, path] of [
    ['', '/users/{id}'],
    ['M-SEARCH', '/'],
    ['GET', ''],
  ] as const) {
    t.same(splitEndpoint(endpointName(method, path)), { method, path })
  }
})
