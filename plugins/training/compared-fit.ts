import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import { regularHistory, type History } from '../../models/anomaly/regular-history.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { compareWithPast, followPast, type Comparison } from '../../models/stream/comparison/comparison.js'
import {
  markedIncidents,
  withoutIncidents,
  type Marks,
} from '../../models/stream/comparison/marked-incidents.js'
import type { TimeSpan } from '../../models/stream/comparison/time-span.js'
import type { Detector } from '../../models/stream/judge-report.js'

/** What people marked, and the active model with the history on which a new one is compared with it. */
export interface Reference {
  /** Of the time of the samples and of the replay. */
  readonly marks: Marks
  /** Null where no model is active. */
  readonly replay: {
    readonly history: History
    readonly version: string
    readonly model: AnomalyModel
    readonly calendar: readonly CalendarEntry[]
  } | null
}

interface Settings {
  readonly effects: LeastEffects
  readonly alarmBudget: number
  readonly intervalSeconds: number | undefined
}

/** What is learned from: the samples without marked incidents, and how a model of them is compared. */
export interface ComparedFit {
  readonly history: History
  /** What was left out of it. */
  readonly incidentMinutes: number
  compare(model: AnomalyModel): Comparison | null
}

/** Replays the active model first: its alarms show how long each marked incident lasted. */
export function prepareFit(history: History, { marks, replay }: Reference, settings: Settings): ComparedFit {
  const { effects, alarmBudget, intervalSeconds } = settings
  const detector = (modelVersion: string, model: AnomalyModel): Detector => {
    const engine = createKernelEngine(model.forest)
    const calendar = replay?.calendar ?? []
    return { modelVersion, model, score: (matrix) => engine.score(matrix), effects, calendar }
  }
  const isReplayed = replay !== null && replay.history.timesMs.length > 0
  const past = isReplayed ? followPast(replay.history, marks, detector(replay.version, replay.model)) : null
  const incidents = past?.wholeIncidents ?? markedIncidents(marks.incidentsMs)
  return {
    ...learnedFrom(history, incidents, intervalSeconds),
    compare: (model) => past && compareWithPast(past, detector('', model), alarmBudget),
  }
}

function learnedFrom(
  history: History,
  incidents: readonly TimeSpan[],
  intervalSeconds: number | undefined,
): Pick<ComparedFit, 'history' | 'incidentMinutes'> {
  if (incidents.length === 0 || history.timesMs.length === 0) return { history, incidentMinutes: 0 }
  const rows = regularHistory(history, intervalSeconds)
  const learned = withoutIncidents(rows, incidents)
  const leftOut = rows.timesMs.length - learned.timesMs.length
  return { history: learned, incidentMinutes: (leftOut * rows.intervalSeconds) / 60 }
}
