import t from 'tap'
import { mapChannels } from '../../../models/anomaly/kinds.js'
import type { ObservedEvent } from '../../../models/stream/calibration/observed-events.js'
import { recurrentEvents } from '../../../models/stream/calibration/recurrent-events.js'

const DAYS = 56

/** Spikes spread over eight weeks, each `growth` times as large as the one before, of very different lengths. */
function spikes(count: number, growth: number): ObservedEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const minute = Math.floor((i * DAYS * 1440) / count) + ((i * 397) % 600)
    const effect = 2 * growth ** i
    const [day, minuteOfDay] = [Math.floor(minute / 1440), minute % 1440]
    const sizes = { gate: effect / 2, evidence: mapChannels(() => ({ small: 1, large: 1 })) }
    const rows = [1, 6, 20, 60][i % 4]!
    return { kind: 'traffic_spike', startMs: minute * 60_000, rows, minuteOfDay, day, effect, sizes }
  })
}

t.test('a few events of very different sizes may be incidents', async (t) => {
  t.same(recurrentEvents(spikes(12, 1.5), DAYS), [])
  t.same(recurrentEvents(spikes(31, 1.3), 2 * DAYS), [], 'less than two a week')
})

t.test('too many events for incidents are usual, whatever their sizes, but for the largest', async (t) => {
  const events = spikes(48, 1.2)
  const usual = recurrentEvents(events, DAYS)
  t.same(usual, events.slice(0, usual.length), 'the smaller ones')
  t.ok(usual.length >= 40 && usual.length < 48, `${usual.length} of 48; one a week may be an incident`)
  t.same(recurrentEvents(spikes(15, 1.2), 14), [], 'fifteen do not show a long tail')
})

t.test('events that are alike are usual from four others on, and from eight in eight weeks', async (t) => {
  const alike = (count: number) =>
    spikes(count, 1).map((event) => ({ ...event, rows: 5, day: event.day * 3 }))
  t.equal(recurrentEvents(alike(5), 14).length, 5)
  t.equal(recurrentEvents(alike(4), 14).length, 0)
  t.equal(recurrentEvents(alike(10), DAYS).length, 10)
  t.equal(recurrentEvents(alike(8), DAYS).length, 0)
})
