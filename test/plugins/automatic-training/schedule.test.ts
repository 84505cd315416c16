import t from 'tap'
import { nextTraining, type TrainingPast } from '../../../plugins/automatic-training/schedule.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const next = (everyMs: number, timeZone: string, past: Partial<Past>, now: string): string => {
  const { activeSince = null, version = 'v', attempt = null, learnedMs = null } = past
  const known: TrainingPast = {
    activeSinceMs: activeSince === null ? null : Date.parse(activeSince),
    learnedMs,
    version,
    attempt: attempt && { atMs: Date.parse(attempt[0]), ended: attempt[1] },
  }
  return new Date(nextTraining({ everyMs, timeZone }, known, Date.parse(now))).toISOString()
}

interface Past {
  activeSince: string | null
  version: string
  learnedMs: number | null
  attempt: [string, 'done' | 'no_data' | 'failed'] | null
}

/** The hash of this version is 0, so that its minute is the first one of the hour. */
const AT_THREE = ''

t.test('a training every day happens by night', async (t) => {
  const cases: [string, string, string, string, string][] = [
    // zone, active since, now, due, what
    ['UTC', '2026-03-10T14:00Z', '2026-03-10T15:00Z', '2026-03-11T03:00Z', 'the next night'],
    ['UTC', '2026-03-10T02:10Z', '2026-03-10T02:20Z', '2026-03-11T03:00Z', 'not an hour after a training'],
    ['UTC', '2026-03-10T00:50Z', '2026-03-10T02:20Z', '2026-03-10T03:00Z', 'two hours after one'],
    ['UTC', '2026-03-10T03:00Z', '2026-03-10T03:01Z', '2026-03-11T03:00Z', 'once a night'],
    ['UTC', '2026-03-10T14:00Z', '2026-03-11T03:40Z', '2026-03-11T03:00Z', 'a little late'],
    ['UTC', '2026-03-10T14:00Z', '2026-03-11T10:00Z', '2026-03-12T03:00Z', 'not by day after a missed night'],
    ['UTC', '2026-03-10T14:00Z', '2026-03-12T15:00Z', '2026-03-12T15:00Z', 'unless two days have passed'],
    ['Europe/Berlin', '2026-03-10T14:00Z', '2026-03-10T15:00Z', '2026-03-11T02:00Z', 'by local clocks'],
    ['Asia/Kolkata', '2026-03-10T14:00Z', '2026-03-10T15:00Z', '2026-03-10T21:30Z', 'of half an hour too'],
    ['Europe/Berlin', '2026-03-28T14:00Z', '2026-03-28T15:00Z', '2026-03-29T01:00Z', 'summer time begins'],
    ['Europe/Berlin', '2026-10-24T14:00Z', '2026-10-24T15:00Z', '2026-10-25T02:00Z', 'summer time ends'],
    ['Europe/Helsinki', '2026-03-28T14:00Z', '2026-03-28T15:00Z', '2026-03-29T01:00Z', 'no three o’clock'],
    ['Europe/Helsinki', '2026-10-24T14:00Z', '2026-10-24T15:00Z', '2026-10-25T00:00Z', 'three o’clock twice'],
    ['Europe/Helsinki', '2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-26T01:00Z', 'but one training'],
  ]
  for (const [zone, activeSince, now, due, what] of cases) {
    const found = next(DAY_MS, zone, { activeSince, version: AT_THREE }, now)
    t.equal(found, new Date(due).toISOString(), what)
  }
})

t.test('versions spread the trainings over the hour, and every replica finds the same minute', async (t) => {
  const due = Array.from({ length: 200 }, (_, i) => {
    const version = new Date(Date.UTC(2026, 0, 1 + i, 3, i % 60, i % 59)).toISOString().replace(/[-:.]/g, '')
    return next(DAY_MS, 'UTC', { activeSince: '2026-03-10T14:00Z', version }, '2026-03-10T15:00Z')
  })
  t.ok(due.every((time) => time >= '2026-03-11T03:00' && time < '2026-03-11T04:00'))
  t.ok(new Set(due).size > 40)
})

t.test('any other period goes by the age of the active models and by what was tried since', async (t) => {
  const since = '2026-03-10T14:00Z'
  const now = '2026-03-10T15:00Z'
  t.equal(next(6 * HOUR_MS, 'UTC', { activeSince: since }, now), '2026-03-10T20:00:00.000Z')
  t.equal(next(7 * DAY_MS, 'UTC', { activeSince: since }, now), '2026-03-17T14:00:00.000Z')
  const later = '2026-03-10T21:00Z'
  const kept: Partial<Past> = { activeSince: since, attempt: ['2026-03-10T20:00Z', 'done'] }
  t.equal(next(6 * HOUR_MS, 'UTC', kept, later), '2026-03-11T02:00:00.000Z')
  const noData: Partial<Past> = { activeSince: since, attempt: ['2026-03-10T20:00Z', 'no_data'] }
  t.equal(next(6 * HOUR_MS, 'UTC', noData, later), '2026-03-11T02:00:00.000Z')
})

t.test('a failure is tried again after an hour, unless somebody has trained since', async (t) => {
  const attempt: Past['attempt'] = ['2026-03-11T03:00Z', 'failed']
  const now = '2026-03-11T03:10Z'
  for (const everyMs of [DAY_MS, 7 * DAY_MS]) {
    const past = { activeSince: '2026-03-01T14:00Z', attempt }
    t.equal(next(everyMs, 'UTC', past, now), '2026-03-11T04:00:00.000Z')
  }
  const trained = { activeSince: '2026-03-11T03:05Z', version: AT_THREE, attempt }
  t.equal(next(DAY_MS, 'UTC', trained, now), '2026-03-12T03:00:00.000Z')
})

t.test('without any model it is due at once, and again soon until there is enough data', async (t) => {
  const now = '2026-03-10T15:00:00.000Z'
  t.equal(next(DAY_MS, 'UTC', {}, now), now)
  t.equal(next(DAY_MS, 'UTC', { attempt: ['2026-03-10T14:55Z', 'no_data'] }, now), '2026-03-10T14:57:00.000Z')
  t.equal(next(DAY_MS, 'UTC', { attempt: ['2026-03-10T14:55Z', 'failed'] }, now), '2026-03-10T15:55:00.000Z')
})

t.test('a detector of less than two days is trained again when there is twice as much', async (t) => {
  const since = '2026-03-10T14:00Z'
  const now = '2026-03-10T14:30Z'
  const due = (learnedMs: number, everyMs = DAY_MS, attempt: Past['attempt'] = null) =>
    next(everyMs, 'UTC', { activeSince: since, version: AT_THREE, learnedMs, attempt }, now)
  t.equal(due(HOUR_MS), '2026-03-10T15:00:00.000Z')
  t.equal(due(4 * HOUR_MS), '2026-03-10T18:00:00.000Z')
  t.equal(due(30 * HOUR_MS), '2026-03-11T03:00:00.000Z', 'the night comes first')
  t.equal(due(2 * DAY_MS), '2026-03-11T03:00:00.000Z')
  t.equal(due(HOUR_MS, 6 * HOUR_MS), '2026-03-10T15:00:00.000Z')
  t.equal(
    due(HOUR_MS, DAY_MS, ['2026-03-10T14:20Z', 'done']),
    '2026-03-10T15:20:00.000Z',
    'not at once again',
  )
})

t.test('times of a clock that was ahead delay nothing', async (t) => {
  const now = '2026-03-10T15:00:00.000Z'
  const ahead = '2027-03-10T15:00Z'
  for (const everyMs of [HOUR_MS, DAY_MS]) {
    t.equal(next(everyMs, 'UTC', { activeSince: ahead }, now), now)
    t.equal(next(everyMs, 'UTC', { attempt: [ahead, 'failed'] }, now), now)
    t.equal(next(everyMs, 'UTC', { activeSince: ahead, attempt: [ahead, 'failed'] }, now), now)
  }
  const since: Partial<Past> = { activeSince: ahead, attempt: ['2026-03-10T14:50Z', 'done'] }
  t.equal(next(HOUR_MS, 'UTC', since, now), '2026-03-10T15:50:00.000Z', 'once')
  const skewed = { activeSince: '2026-03-10T15:02Z' }
  t.equal(next(HOUR_MS, 'UTC', skewed, now), '2026-03-10T16:02:00.000Z', 'clocks of two servers differ')
})
