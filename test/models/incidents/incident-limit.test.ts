import t from 'tap'
import {
  chooseLimit,
  describeIncidentLimit,
  limitsToTry,
  type LimitEffect,
} from '../../../models/incidents/incident-limit.js'

const effect = (limit: number, stopped: number, touched: number, clients = 1000): LimitEffect => ({
  limit,
  caused: { requests: 1000, rejected: 1000 * stopped },
  others: { requests: 5000, rejected: touched, clients, clientsAffected: touched },
})

t.test('limits are fractions of the rate of who caused it, round, descending, and below it', (t) => {
  t.same(limitsToTry(600), [400, 300, 200, 125, 80, 50, 30, 15, 10, 5])
  t.same(limitsToTry(12), [10, 5])
  t.same(limitsToTry(4), [])
  t.same(limitsToTry(0), [])
  t.end()
})

t.test('the limit that stops the most and touches the fewest is chosen', (t) => {
  const chosen = (...effects: LimitEffect[]) => chooseLimit(effects)?.limit ?? null
  t.equal(chosen(effect(300, 0.5, 0), effect(60, 0.88, 0), effect(30, 0.95, 1), effect(10, 0.98, 10)), 30)
  t.equal(chosen(effect(60, 0.9, 0), effect(30, 0.95, 5)), 60, 'one client in 200 is worth more')
  t.equal(chosen(effect(60, 0.9, 0), effect(30, 0.9, 0)), 60, 'the higher one of equal limits')
  t.equal(chosen(effect(60, 0.95, 0), effect(30, 0.99, 0)), 60, 'what stops 95 % is strict enough')
  t.equal(chosen(effect(60, 0.49, 0)), null, 'it has to stop half')
  t.equal(chosen(effect(60, 0.99, 21)), null, 'it has to spare the others')
  t.equal(chosen(effect(60, 0.99, 0, 0)), 60, 'without others there is nobody to spare')
  t.equal(chosen(), null)
  t.end()
})

t.test('a limit says in numbers what it does', (t) => {
  const range = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-08T00:00:00Z') }
  const choice = {
    ...{
      endpoint: '/orders',
      tier: 'default',
      scope: 'client' as const,
      currentLimit: 300,
      causedBy: ['bot'],
    },
  }
  const found = describeIncidentLimit(effect(60, 0.967, 2, 1410), choice, range)
  t.match(found, {
    ...{ ...choice, limit: 60, burst: 60, warnings: [] },
    summary: 'stops 96 % of this, touches 2 of 1,410 clients',
    backtest: { from: '2026-03-01T00:00:00.000Z', to: '2026-03-08T00:00:00.000Z', clients: 1410 },
  })
  t.ok(found.confidence > 0.9 && found.confidence < 0.967)
  const day = describeIncidentLimit(effect(60, 0.967, 2, 1410), choice, {
    ...range,
    from: new Date('2026-03-07T00:00:00Z'),
  })
  t.ok(day.confidence < 0.2, 'a day says less')
  const strict = describeIncidentLimit(effect(60, 0.9, 0), { ...choice, currentLimit: 50 }, range)
  t.match(strict.warnings, [/50 requests a minute, is as strict/])
  t.end()
})
