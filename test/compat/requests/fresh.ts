import { get, post, QUIET, type Named } from '../request.js'

/** While nothing is trained. */
export const FRESH: readonly Named[] = [
  ['fresh health', get('/health')],
  ['fresh detect', post('/detect', QUIET)],
  ['fresh detect empty', post('/detect', {})],
  ['fresh batch', post('/detect/batch', { metrics: [QUIET] })],
  ['fresh trend', get('/detect/trend')],
  ['fresh optimize', post('/optimize', { endpoint: '/api/users' })],
  ['fresh optimize/all', post('/optimize/all', {})],
  ['fresh clusters', get('/optimize/clusters')],
  ['fresh status', get('/train/status')],
  ['fresh info', get('/model/info')],
  ['fresh profiles', get('/export/endpoint-profiles')],
  ['fresh load', post('/model/load', {})],
  ['fresh load anomaly', post('/model/load', { models: ['anomaly'] })],
  ['fresh load optimizer', post('/model/load', { models: ['optimizer'] })],
  ['fresh reset', post('/model/reset', {})],
  ['fresh train/synthetic', post('/train/synthetic', {})],
]
