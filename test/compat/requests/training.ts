import { get, post, QUIET, withBodies, withoutBody, type Named } from '../request.js'

const SHORT = { duration_hours: 2 }
const DAY_OF_DETECTOR = { days: 1, models: ['anomaly'] }

/** Synthetic traffic, and the training on it. */
const SYNTHETIC: readonly Named[] = [
  ...withBodies('/generate/synthetic', 'generate', {
    '{}': { duration_hours: 24 },
    none: {},
    all: { duration_hours: 48, base_rps: 20, include_anomalies: true, anomaly_rate: 0.1 },
    'no anomalies': { ...SHORT, include_anomalies: false },
    'rate 0': { ...SHORT, anomaly_rate: 0 },
    unknown: { ...SHORT, colour: 'red' },
    'float hours': { duration_hours: 1.5 },
    string: { duration_hours: '24' },
    negative: { duration_hours: -1 },
    'rate 2': { ...SHORT, anomaly_rate: 2 },
    null: { duration_hours: null },
    zero: { duration_hours: 0 },
  }),
  ['train/synthetic of nothing', post('/train/synthetic', {})],
  ['generate week', post('/generate/synthetic', { duration_hours: 168 })],
  ['train/synthetic', post('/train/synthetic', {})],
  ...withoutBody('/train/synthetic', 'train/synthetic'),
  ['synthetic detect', post('/detect', QUIET)],
  ['synthetic status', get('/train/status')],
  ['synthetic info', get('/model/info')],
]

/** Training on the recorded traffic. */
export const TRAINING: readonly Named[] = [
  ...SYNTHETIC,
  ...withBodies('/train', 'train', {
    '{}': {},
    days: { days: 7 },
    all: { days: 7, contamination: 0.05, models: ['anomaly', 'optimizer'] },
    anomaly: { models: ['anomaly'] },
    optimizer: { models: ['optimizer'] },
    'models []': { models: [] },
    'models unknown': { models: ['x'] },
    'models one unknown': { models: ['anomaly', 'x'], days: 1 },
    'models string': { models: 'anomaly', days: 1 },
    'unknown field': { days: 1, colour: 'red' },
    'days string': { days: '1' },
    'days 0': { days: 0 },
    'days -1': { days: -1 },
    'days 0.5': { days: 0.5 },
    'days null': { days: null },
    'days 4000': { days: 4000 },
    'contamination 0.5': { ...DAY_OF_DETECTOR, contamination: 0.5 },
    'contamination 0': { ...DAY_OF_DETECTOR, contamination: 0 },
    'contamination 0.9': { ...DAY_OF_DETECTOR, contamination: 0.9 },
    'contamination auto': { ...DAY_OF_DETECTOR, contamination: 'auto' },
  }),
  ...withoutBody('/train', 'train'),
  ['train again', post('/train', { days: 7 })],
  ['health', get('/health')],
  ['status', get('/train/status')],
  ['info', get('/model/info')],
]
