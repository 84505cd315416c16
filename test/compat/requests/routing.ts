import { get, post, QUIET, type Named } from '../request.js'

/** All routes of the old service, with the method of each. */
const ROUTES = {
  GET: [
    ...['/health', '/detect/trend', '/optimize/clusters', '/train/status', '/model/info'],
    ...['/export/training-data', '/export/endpoint-profiles'],
  ],
  POST: [
    ...['/detect', '/detect/batch', '/optimize', '/optimize/all', '/train', '/train/synthetic'],
    ...['/model/load', '/model/reset', '/generate/synthetic'],
  ],
}
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']
const ORIGIN = 'http://dash.example'
const PREFLIGHT = {
  origin: ORIGIN,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'content-type',
}

const routes = Object.entries(ROUTES).flatMap(([method, paths]) => paths.map((path) => ({ method, path })))

const WRONG_METHODS = routes.flatMap(({ method: right, path }) =>
  METHODS.filter((method) => method !== right).map((method): Named => {
    return [`${method} ${path}`, { method, path, ...(method !== 'GET' && { body: {} }) }]
  }),
)

export const ROUTING: readonly Named[] = [
  ...WRONG_METHODS,
  ...routes.map(({ path }): Named => {
    return [`OPTIONS ${path}`, { method: 'OPTIONS', path, type: null, headers: PREFLIGHT }]
  }),
  ['HEAD /health', { method: 'HEAD', path: '/health', type: null }],
  ['HEAD export', { method: 'HEAD', path: '/export/training-data?days=1', type: null }],
  ['unknown route', get('/nope')],
  ['root', get('/')],
  ['trailing slash', get('/health/')],
  ['double slash', get('//health')],
  ['double slash POST', post('//detect', QUIET)],
  ['case', get('/Health')],
  ['query on POST', post('/detect?x=1', QUIET)],
  ['health with origin', get('/health', { headers: { origin: ORIGIN } })],
  ['health with body type', get('/health', { type: 'application/json' })],
]
