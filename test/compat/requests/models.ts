import { get, post, QUIET, withBodies, withoutBody, type Named } from '../request.js'

const TRAINING_DATA = '/export/training-data'
const QUERIES = {
  csv: 'format=csv',
  json: 'format=json',
  'json 1': 'days=1&format=json',
  client: 'days=7&format=json',
  'days 0': 'days=0',
  'days -1': 'days=-1',
  'days abc': 'days=abc',
  'days 0.5': 'days=0.5',
  'days empty': 'days=',
  'format unknown': 'format=xml&days=1',
  'format case': 'format=JSON&days=1',
  'unknown query': 'days=1&colour=1',
}

const EXPORTS: readonly Named[] = [
  ['export', get(TRAINING_DATA)],
  ...Object.entries(QUERIES).map(([name, query]): Named => {
    return [`export ${name}`, get(`${TRAINING_DATA}?${query}`)]
  }),
  ['profiles', get('/export/endpoint-profiles')],
  ['profiles json', get('/export/endpoint-profiles?format=json')],
]

const LOADS: readonly Named[] = [
  ['load', post('/model/load', {})],
  ...withBodies('/model/load', 'load', {
    both: { models: ['anomaly', 'optimizer'] },
    anomaly: { models: ['anomaly'] },
    optimizer: { models: ['optimizer'] },
    '[]': { models: [] },
    unknown: { models: ['x'] },
    string: { models: 'anomaly' },
    null: { models: null },
    'long names': { models: ['anomaly_detector', 'rate_optimizer'] },
  }),
  ...withoutBody('/model/load', 'load'),
  ['load malformed', post('/model/load', undefined, { text: '{' })],
]

const RESETS: readonly Named[] = [
  ['reset', post('/model/reset', {})],
  ['reset info', get('/model/info')],
  ['reset status', get('/train/status')],
  ['reset detect', post('/detect', QUIET)],
  ...withoutBody('/model/reset', 'reset'),
  ['reset malformed', post('/model/reset', undefined, { text: '{' })],
  ['reset unknown', post('/model/reset', { models: ['anomaly'] })],
  ['reset text', post('/model/reset', { a: 1 }, { type: 'text/plain' })],
  ['reset optimize', post('/optimize', { endpoint: '/api/users' })],
  ['reset optimize/all', post('/optimize/all', {})],
  ['reset health', get('/health')],
  ['reload', post('/model/load', {})],
  ['reload detect', post('/detect', QUIET)],
]

export const EXPORTS_AND_MODELS: readonly Named[] = [...EXPORTS, ...LOADS, ...RESETS]
