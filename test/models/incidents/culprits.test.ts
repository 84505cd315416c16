import t from 'tap'
import { describeNewClient, newClientOf } from '../../../models/incidents/change.js'
import { findRise } from '../../../models/incidents/culprits.js'
import { compared, type Arrival } from './arrivals.js'

/** So many requests of each client. */
const sent = (counts: Readonly<Record<number, number>>): Arrival[] =>
  Object.entries(counts).flatMap(([client, count]) =>
    Array.from({ length: count }, (_, i) => ({ at: i / 10, client: Number(client), status: 200 })),
  )

const everybody = (clients: number, count: number) =>
  Object.fromEntries(Array.from({ length: clients }, (_, client) => [client, count]))

const rise = (before: Readonly<Record<number, number>>, during: Readonly<Record<number, number>>) =>
  findRise(compared(sent(before), sent(during)))

t.test('few clients that most of a rise comes from are its culprits, the largest first', (t) => {
  const usual = everybody(100, 60) // in an hour: ten in ten minutes
  const one = rise(usual, { ...everybody(100, 10), 7: 3010 })
  t.match(one, { matters: true, excess: 3000, culprits: [{ client: 7, requests: 3010, excess: 3000 }] })
  const three = rise(usual, { ...everybody(100, 10), 100: 900, 3: 910, 50: 1010 })
  t.same(
    three.culprits.map(({ client }) => client),
    [50, 3, 100],
  )
  const main = rise(usual, { ...everybody(100, 12), 7: 3010 })
  t.same(main.culprits.length, 1, 'what is left of the rise is not theirs')
  t.equal(rise({}, { 0: 100 }).culprits.length, 1, 'one client is enough where there is no other')
  t.end()
})

t.test('a rise of many, or none, has no culprits', (t) => {
  const usual = everybody(100, 60)
  t.match(rise(usual, everybody(100, 50)), { matters: true, culprits: [] })
  t.match(rise(usual, { ...everybody(100, 10), ...everybody(30, 100) }), { matters: true, culprits: [] })
  t.match(rise(everybody(8, 60), everybody(8, 50)), { matters: true, culprits: [] }, 'nor where all are few')
  t.match(rise(usual, { ...everybody(100, 10), 7: 39 }), { matters: false, culprits: [] })
  t.match(rise(usual, everybody(100, 5)), { matters: false, excess: 0, culprits: [] })
  t.match(rise({}, {}), { matters: false, excess: 0, culprits: [] })
  t.end()
})

t.test('a client that sent hardly anything before is new', (t) => {
  const during = { ...everybody(100, 10), 100: 3000 }
  const isNew = (before: Readonly<Record<number, number>>) => {
    const traffic = compared(sent(before), sent(during))
    return newClientOf(findRise(traffic), traffic)?.client
  }
  t.equal(isNew(everybody(100, 60)), 100)
  t.equal(isNew({ ...everybody(100, 60), 100: 60 }), 100)
  t.equal(isNew({ ...everybody(100, 60), 100: 61 }), undefined)
  const traffic = compared(sent(everybody(100, 60)), sent(during))
  const found = findRise(traffic)
  t.match(describeNewClient('bot', found.culprits[0]!, found, traffic, 12), {
    ...{ kind: 'new_client', atMs: 0 },
    detail:
      'A new client, bot, sent 3,000 requests, 100 % of those above the usual number; it sent 12 in the week before.',
  })
  t.match(describeNewClient('bot', found.culprits[0]!, found, traffic, null).detail, /0 in the hour before/)
  t.end()
})
