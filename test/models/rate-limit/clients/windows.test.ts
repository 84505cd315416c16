import t from 'tap'
import type { ClientPeaks } from '../../../../models/rate-limit/clients/peaks.js'
import { dayWindow, hourWindow } from '../../../../models/rate-limit/clients/windows.js'

/** A hundred clients with peaks from 1 to 100. */
const peaks = Array.from({ length: 100 }, (_, i) => i + 1)
const found: ClientPeaks = {
  ...{ clients: [...peaks.keys()], peaks, loads: peaks, activeDays: peaks.map(() => 1) },
  ...{ requests: 5050, byDay: new Map() },
}

t.test('the busiest hour of few days leaves more room than that of a week', async (t) => {
  const [two, three, week, month] = [2, 3, 7, 30].map((days) => hourWindow(60, found, days, 1)!.limit)
  t.ok(two! > three! && three! > 1.4 * week!)
  t.equal(week, month)
  t.equal(hourWindow(4, found, 2, 1), null, 'one that would hardly restrict is left out')
})

t.test('the limit of a day covers a new shared address like those that are known', async (t) => {
  const alone = dayWindow(50, found, 14, 1, 0)!.limit
  t.equal(dayWindow(50, found, 14, 1, 20)!.limit, alone)
  const shared = dayWindow(50, found, 14, 1, 2 * alone)!.limit
  t.ok(shared >= 2 * alone && shared < 2.1 * alone)
  t.equal(dayWindow(50, found, 14, 1, 10 * alone), null, 'one that would hardly restrict is left out')
  t.equal(dayWindow(50, found, 6, 1, 0), null, 'and so is one from less than a week')
})
