import t from 'tap'
import { Arrivals } from '../../../models/optimizer/arrivals.js'

const NOBODY = 0xffffffff
const nothing = (nEndpoints: number) => {
  const limits = Array.from({ length: nEndpoints }, () => [10, 20, 40])
  return { limits, places: [[], ...limits.map((_, i) => [i])], excluded: [], nobody: NOBODY }
}

t.test('an endpoint takes a few kilobytes before its first request', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  const arrivals = new Arrivals(nothing(1000))
  const perEndpoint = (process.memoryUsage().arrayBuffers - before) / arrivals.endpoints.length
  t.ok(perEndpoint < 16_000, `${perEndpoint} bytes`)
})

t.test('what was learnt stays when there are more clients than were made room for', async (t) => {
  const arrivals = new Arrivals(nothing(1))
  const client = Array.from({ length: 300 }, (_, i) => Math.floor(i / 3))
  arrivals.add({ length: 300, timeMs: client, client, endpoint: client.map(() => 1) })
  const { activity, clients, nClients } = arrivals.endpoints[0]!
  t.equal(nClients, 100)
  t.same([...clients.subarray(0, nClients)], [...new Set(client)])
  t.same(Array.from(activity.hours().requests).slice(0, nClients), Array(100).fill(3))
  for (const slot of [0, 15, 16, 99]) t.equal(activity.curves.sigma(slot, 0), 3)
})
