import { EMPTY_BOOK } from '../../../models/incidents/book-state.js'
import { recordRound } from '../../../models/incidents/book.js'
import type { Incident } from '../../../models/incidents/incident.js'
import { judgeRound, type Round, type WatchDetector } from '../../../models/watch/judge-round.js'
import { beginWatch, type WatchStates } from '../../../models/watch/series-state.js'

/** An incident, and the minute that opened it. */
export interface Watched {
  readonly openedMs: number
  /** As of its end, or of the last round. */
  readonly incident: Incident
}

/** Judges rounds one after another, and keeps the book. */
export function watchRounds(
  rounds: readonly Round[],
  detector: WatchDetector,
  begin: WatchStates = beginWatch(true),
): { readonly incidents: readonly Watched[]; readonly states: WatchStates; readonly slices: number } {
  const incidents = new Map<number, Watched>()
  let [states, book, slices] = [begin, EMPTY_BOOK, 0]
  for (const round of rounds) {
    const steps = judgeRound(states, round, detector)
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) slices++
    states = step.value.states
    const { state, changes } = recordRound(book, step.value.minutes)
    book = state
    for (const incident of [...changes.opened, ...changes.updated, ...changes.ended]) {
      const openedMs = incidents.get(incident.number)?.openedMs ?? round.timeMs
      incidents.set(incident.number, { openedMs, incident })
    }
  }
  return { incidents: [...incidents.values()], states, slices }
}
