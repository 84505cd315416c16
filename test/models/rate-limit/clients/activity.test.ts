import t from 'tap'
import fc from '../../../properties.js'
import { ClientActivity } from '../../../../models/rate-limit/clients/activity.js'

t.test('rows of client and hour are those of a plain count', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.oneof(fc.nat(900), fc.nat(2_000_000))), { maxLength: 400 }),
      (gaps) => {
        const activity = new ClientActivity([60])
        const counts = {
          hour: new Map<string, number>(),
          minute: new Map<string, number>(),
        }
        const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)
        let timeMs = 1_700_000_000_000
        for (const [client, gap] of gaps) {
          timeMs += gap
          activity.add(client, timeMs)
          count(counts.hour, `${client} ${Math.floor(timeMs / 3_600_000)}`)
          count(counts.minute, `${client} ${Math.floor(timeMs / 60_000)}`)
        }
        const rows = activity.hours()
        const busiest = (map: Map<string, number>, client: number, hour: number) =>
          Math.max(
            ...[...map]
              .filter(([key]) => {
                const [who, when] = key.split(' ').map(Number)
                return who === client && Math.floor(when! / 60) === hour
              })
              .map(([, n]) => n),
          )
        t.equal(rows.length, counts.hour.size)
        for (let row = 0; row < rows.length; row++) {
          const client = rows.client[row]!
          const hour = rows.hour[row]!
          t.equal(rows.requests[row], counts.hour.get(`${client} ${hour}`))
          t.equal(rows.busiestMinute[row], busiest(counts.minute, client, hour))
        }
        return true
      },
    ),
    { numRuns: 40 },
  )
})

t.test('the arrival curves are made beside them', async (t) => {
  const activity = new ClientActivity([60, 120])
  for (const timeMs of [0, 0, 0, 1000]) activity.add(1, timeMs)
  t.equal(activity.curves.sigma(1, 0), 3)
})
