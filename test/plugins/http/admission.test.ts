import t from 'tap'
import { createAdmission, type Admission } from '../../../plugins/http/load/admission.js'

/** A served request takes a millisecond, a refused one a fifth of it. */
const SERVED_MS = 1
const REFUSED_MS = 0.2

/**
 * A loop that serves what arrives. Each turn takes what has arrived during the turn before.
 * @param perMs requests that arrive in a millisecond, at a time
 */
function simulate(admission: Admission, untilMs: number, perMs: (ms: number) => number, fromMs = 0) {
  const served: { atMs: number; waitedMs: number }[] = []
  const refused: number[] = []
  let idleMs = 0
  let nowMs = fromMs
  let turnMs = 1
  let due = 0
  while (nowMs < untilMs) {
    const startMs = nowMs
    due += turnMs * perMs(nowMs)
    const arrived = Math.floor(due)
    due -= arrived
    for (let i = 0; i < arrived; i++) {
      if (admission.admits(nowMs)) {
        nowMs += SERVED_MS
        served.push({ atMs: nowMs, waitedMs: turnMs / 2 + nowMs - startMs })
      } else {
        nowMs += REFUSED_MS
        refused.push(nowMs)
      }
    }
    if (arrived > 0) admission.endTurn(nowMs, () => idleMs)
    const rest = Math.max(0, 2 - (nowMs - startMs))
    idleMs += rest
    nowMs += rest
    turnMs = nowMs - startMs
  }
  return { served, refused }
}

const longestWait = (served: { waitedMs: number }[]) => Math.max(...served.map((each) => each.waitedMs))

t.test('all is served while it can be served', async (t) => {
  const { refused, served } = simulate(createAdmission(), 20_000, () => 0.8)
  t.equal(refused.length, 0)
  t.ok(served.length > 15_000)
})

t.test('in an overload the surplus is refused, and what is served waits for little', async (t) => {
  const { served, refused } = simulate(createAdmission(), 60_000, () => 2)
  const late = served.filter(({ atMs }) => atMs > 5_000)
  t.ok(late.length > 0.4 * 55_000, `${late.length} of what can be served in that time at most`)
  t.ok(refused.length > late.length)
  const waits = late.map(({ waitedMs }) => waitedMs).sort((a, b) => a - b)
  t.ok(waits[Math.floor(0.99 * waits.length)]! < 16, 'of the trials, few are late')
})

t.test('after an overload all is served again within a second', async (t) => {
  const admission = createAdmission()
  const { refused } = simulate(admission, 20_000, (ms) => (ms < 10_000 ? 2 : 0.7))
  t.ok(refused.some((atMs) => atMs > 9_900))
  t.notOk(refused.some((atMs) => atMs > 11_500))
  t.notOk(admission.isOverloaded)
})

t.test('a burst, and a pause of the process, are no overload', async (t) => {
  const burst = simulate(createAdmission(), 5_000, (ms) => (ms > 1_000 && ms < 1_100 ? 4 : 0.5))
  t.equal(burst.refused.length, 0)
  t.ok(longestWait(burst.served) < 600)
})

t.test('of requests that arrive at the same time, only so many are served', async (t) => {
  const admission = createAdmission()
  const answers = Array.from({ length: 5_000 }, () => admission.admits(0))
  t.equal(answers.filter(Boolean).length, 1_000)
  admission.endTurn(1, () => 0)
  t.ok(admission.admits(1), 'the next turn serves again')
})

t.test('callers that wait for their answers are served again after a trial', async (t) => {
  const admission = createAdmission()
  simulate(admission, 3_000, () => 2)
  t.ok(admission.isOverloaded)
  let nowMs = 3_000
  let refused = 0
  while (nowMs < 40_000) {
    refused = 0
    for (let i = 0; i < 20; i++) {
      const isServed = admission.admits(nowMs)
      nowMs += isServed ? SERVED_MS : REFUSED_MS
      if (!isServed) refused++
    }
    admission.endTurn(nowMs, () => 0)
  }
  t.equal(refused, 0)
})
