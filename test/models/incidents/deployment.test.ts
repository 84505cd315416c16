import t from 'tap'
import {
  deploymentBefore,
  describeDeployment,
  type Affected,
  type Deployment,
} from '../../../models/incidents/deployment.js'
import type { Series } from '../../../models/incidents/series-minute.js'

const STARTED = Date.parse('2026-03-02T12:04:00Z')
const aDeployment = (
  version: string,
  minutesBefore: number,
  changes: Partial<Deployment> = {},
): Deployment => ({
  ...{ source: null, endpoint: null, version, atMs: STARTED - minutesBefore * 60_000 },
  ...changes,
})
const affected = (series: Series, ...endpoints: string[]): Affected => ({
  ...{ series, startedMs: STARTED },
  endpoints: endpoints.map((endpoint) => ({ endpoint, startedMs: STARTED })),
})
const GATEWAY: Series = { kind: 'gateway', name: '' }
const whole = affected(GATEWAY, 'GET /orders/{id}', 'GET /users')
const found = (incident: Affected, ...deployments: Deployment[]) =>
  deploymentBefore(incident, deployments, 'default')?.version

t.test(
  'an incident comes of a deployment of the quarter of an hour before it, or of its first minute',
  async (t) => {
    for (const [minutes, expected] of [
      [15.01, false],
      [15, true],
      [0, true],
      [-0.99, true],
      [-1, false],
    ] as const) {
      t.equal(found(whole, aDeployment('1', minutes)) !== undefined, expected, `${minutes} minutes`)
    }
  },
)

t.test(
  'where the gateway deviates by chance just before, the first minute of the likely origin counts',
  async (t) => {
    const startsAfter = (minutes: number): Affected => ({
      ...whole,
      endpoints: [{ endpoint: 'GET /orders/{id}', startedMs: STARTED + minutes * 60_000 }],
    })
    t.equal(found(startsAfter(1), aDeployment('1', -1.3)), '1')
    t.equal(found(startsAfter(1), aDeployment('1', -2)), undefined, 'the minute after it')
    t.equal(found(startsAfter(-1), aDeployment('1', -0.5)), '1')
    t.equal(found(startsAfter(6), aDeployment('1', -6)), undefined, 'that is another event')
  },
)

t.test('the last deployment counts, but first that of the likely origin', async (t) => {
  const orders = { endpoint: '/orders/*' }
  t.equal(found(whole, aDeployment('old', 9), aDeployment('new', 3), aDeployment('older', 12)), 'new')
  t.equal(found(whole, aDeployment('all', 3), aDeployment('orders', 9, orders)), 'orders')
  t.equal(
    found(whole, aDeployment('users', 1, { endpoint: 'GET /users' }), aDeployment('orders', 9, orders)),
    'orders',
  )
})

t.test('a deployment of something else is not the reason', async (t) => {
  t.equal(found(whole, aDeployment('1', 3, { endpoint: '/carts' })), undefined)
  t.equal(found(whole, aDeployment('1', 3, { source: 'billing' })), undefined)
  t.equal(found(whole, aDeployment('1', 3, { source: 'default' })), '1')
  t.equal(found(affected(GATEWAY), aDeployment('1', 3)), '1')
  const billing = affected({ kind: 'source', name: 'billing' })
  t.equal(found(billing, aDeployment('1', 3)), undefined)
  t.equal(found(billing, aDeployment('1', 3, { source: 'billing' })), '1')
  const endpoint = affected({ kind: 'endpoint', name: 'GET /carts' })
  t.equal(found(endpoint, aDeployment('1', 3, { endpoint: '/carts' })), '1')
})

t.test('it is described in a sentence', async (t) => {
  const sentence = (deployment: Deployment) => describeDeployment(deployment, STARTED, 'default')
  t.equal(sentence(aDeployment('1.4.2', 3)), 'Version 1.4.2 of the gateway was deployed 3 minutes before.')
  t.equal(
    sentence(aDeployment('1.4.2', 1, { endpoint: '/orders/*' })),
    'Version 1.4.2 of /orders/* was deployed 1 minute before.',
  )
  t.match(
    sentence(aDeployment('1.4.2', -0.5, { source: 'billing' })),
    /of billing was deployed in that minute/,
  )
})
