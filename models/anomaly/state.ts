import { forestFromState, forestToState } from '../isolation-forest/state.js'
import type { DailyLevel } from '../seasonality/daily-level.js'
import { localTimeOf } from '../seasonality/local-time.js'
import { RHYTHMS, SLOTS, WINDOW_SLOTS, type Rhythm } from '../seasonality/rhythm.js'
import type { Season } from '../seasonality/season.js'
import type { Baseline } from './baseline.js'
import type { Expectation } from './expectation.js'
import { mapFeatures } from './features.js'
import type { AnomalyModel } from './model.js'
import type { Noise } from './noise.js'
import { FOREST_COLUMNS } from './forest-row.js'
import { mapChannels, mapKinds } from './kinds.js'
import { DEFAULT_INTERVAL_SECONDS } from './row-interval.js'
import { WEEK_HOURS } from './silent-hours.js'
import { NEUTRAL, type Thresholds } from './thresholds.js'

/** A model as plain JSON, as an artifact contains it. The arrays of its forest are base64, all others are lists. */
export function anomalyModelToState(whole: AnomalyModel): object {
  const { intervalSeconds, days, thresholds, silentHours, ...model } = whole
  return {
    ...model,
    // Left out when neutral, as older releases do.
    ...(thresholds !== NEUTRAL && { thresholds }),
    forest: forestToState(model.forest),
    expectations: mapFeatures((feature) => expectationToState(model.expectations[feature])),
    tenths: mapFeatures((feature) => [...model.tenths[feature]]),
    // A model of minutes without gaps has the form of earlier releases.
    ...(intervalSeconds !== DEFAULT_INTERVAL_SECONDS && { intervalSeconds }),
    ...(days !== model.nSamples / 1440 && { days }),
    ...(silentHours && { silentHours: [...silentHours] }),
  }
}

/**
 * The model of a state. Every part is checked.
 * @throws Error naming what is missing or wrong
 */
export function anomalyModelFromState(state: unknown): AnomalyModel {
  const fields = recordAt(state, 'model')
  const forest = forestFromState(fields['forest'])
  if (forest.nFeatures !== FOREST_COLUMNS) {
    throw new Error(`The forest has ${forest.nFeatures} columns instead of ${FOREST_COLUMNS}.`)
  }
  const baselines = recordAt(fields['baselines'], 'baselines')
  const expectations = recordAt(fields['expectations'], 'expectations')
  const tenths = recordAt(fields['tenths'], 'tenths')
  const timeZone = fields['timeZone']
  if (typeof timeZone !== 'string') throw new Error('timeZone is missing: train anew.')
  localTimeOf(timeZone) // RangeError when it is not known
  const nSamples = numberAt(fields, 'nSamples')
  const intervalSeconds = positiveAt(
    { intervalSeconds: DEFAULT_INTERVAL_SECONDS, ...fields },
    'intervalSeconds',
  )
  return {
    forest,
    threshold: numberAt(fields, 'threshold'),
    contamination: numberAt(fields, 'contamination'),
    nSamples,
    intervalSeconds,
    days: fields['days'] === undefined ? nSamples / 1440 : positiveAt(fields, 'days'),
    baselines: mapFeatures((feature) => numbersAt<Baseline>(baselines[feature], BASELINE, feature)),
    expectations: mapFeatures((feature) => expectationFromState(expectations[feature], feature)),
    tenths: mapFeatures((feature) => listAt(tenths, feature)),
    timeZone,
    thresholds: thresholdsFromState(fields['thresholds']),
    silentHours:
      fields['silentHours'] === undefined
        ? null
        : Uint8Array.from(listAt(fields, 'silentHours', WEEK_HOURS), (each) => Number(each > 0)),
  }
}

/** Models of older releases have none. */
function thresholdsFromState(value: unknown): Thresholds {
  if (value === undefined) return NEUTRAL
  const fields = recordAt(value, 'thresholds')
  const [gates, evidence] = [recordAt(fields['gates'], 'gates'), recordAt(fields['evidence'], 'evidence')]
  return {
    gates: mapKinds((kind) => numberAt(gates, kind)),
    joint: numberAt(fields, 'joint'),
    evidence: mapChannels((channel) => numbersAt(evidence[channel], ['small', 'large'], channel)),
  }
}

const BASELINE = ['mean', 'std', 'median', 'q25', 'q75', 'iqr', 'min', 'max'] as const

function expectationToState({ usual, noise, isRecorded }: Expectation): object {
  const { season, level } = usual
  const { slots, minuteOfHour, minuteOfDay, slotOfWeek, rhythm } = season
  return {
    season: {
      rhythm,
      slots: [...slots],
      minuteOfHour: minuteOfHour && [...minuteOfHour],
      minuteOfDay: minuteOfDay && [...minuteOfDay],
      slotOfWeek: slotOfWeek && [...slotOfWeek],
    },
    level: { ...level, levels: [...level.levels] },
    noise: { ...noise, hours: [...noise.hours], minutes: [...noise.minutes] },
    isRecorded,
  }
}

function expectationFromState(value: unknown, name: string): Expectation {
  const fields = recordAt(value, name)
  return {
    usual: { season: seasonFromState(fields['season'], name), level: levelFromState(fields['level'], name) },
    noise: noiseFromState(fields['noise'], name),
    isRecorded: fields['isRecorded'] === true,
  }
}

function seasonFromState(value: unknown, name: string): Season {
  const fields = recordAt(value, `the season of ${name}`)
  const rhythm = fields['rhythm'] as Rhythm
  if (!RHYTHMS.includes(rhythm)) throw new Error(`The rhythm of ${name} is unknown.`)
  return {
    rhythm,
    slots: listAt(fields, 'slots', SLOTS[rhythm]),
    minuteOfHour: fields['minuteOfHour'] === null ? null : listAt(fields, 'minuteOfHour', 60),
    minuteOfDay: termsFromState(fields, 'minuteOfDay', [2 * 1440, 1440]),
    slotOfWeek: termsFromState(fields, 'slotOfWeek', [WINDOW_SLOTS, SLOTS.week]),
  }
}

/** Terms of a season. Older models have none, or coarser ones. */
function termsFromState(
  fields: Record<string, unknown>,
  key: string,
  lengths: readonly number[],
): Float64Array | null {
  if ((fields[key] ?? null) === null) return null
  const terms = listAt(fields, key)
  if (lengths.includes(terms.length)) return terms
  throw new Error(`${key} has ${terms.length} numbers instead of ${lengths[0]}.`)
}

function levelFromState(value: unknown, name: string): DailyLevel {
  const fields = recordAt(value, `the level of ${name}`)
  const levels = listAt(fields, 'levels')
  if (levels.length === 0) throw new Error(`The level of ${name} has no days.`)
  return {
    firstDay: numberAt(fields, 'firstDay'),
    levels,
    recent: numberAt(fields, 'recent'),
    slope: numberAt(fields, 'slope'),
  }
}

function noiseFromState(value: unknown, name: string): Noise {
  const fields = recordAt(value, `the noise of ${name}`)
  if (fields['memory'] === undefined) throw new Error(`${name} is of an earlier release: train anew.`)
  const { sigma, sampling, memory, up, down } = numbersAt<Omit<Noise, 'hours' | 'minutes'>>(
    fields,
    ['sigma', 'sampling', 'memory', 'up', 'down'],
    name,
  )
  // In the order of the fit: a model that comes back makes the very same text.
  if (sigma > 0 && sampling >= 0 && memory >= 1 && up > 0 && down > 0) {
    const [hours, minutes] = [listAt(fields, 'hours', 24), listAt(fields, 'minutes', 60)]
    return {
      sigma,
      sampling,
      memory,
      hours,
      minutes,
      up,
      down,
      ...indexAt(fields, 'tail'),
      ...indexAt(fields, 'far'),
    }
  }
  throw new Error(`The expectation of ${name} has no scale.`)
}

/** A tail index, as a field; none in models of older releases, or where it is not known. */
function indexAt<K extends string>(fields: Record<string, unknown>, key: K): Partial<Record<K, number>> {
  return fields[key] === undefined ? {} : ({ [key]: positiveAt(fields, key) } as Record<K, number>)
}

function listAt(fields: Record<string, unknown>, key: string, length?: number): Float64Array {
  const list = fields[key]
  const isWhole = Array.isArray(list) && (length === undefined || list.length === length)
  if (isWhole && list.every((each) => Number.isFinite(each))) return Float64Array.from(list as number[])
  throw new Error(`${key} is missing or not a list of ${length ?? 'finite'} numbers.`)
}

function numbersAt<T>(value: unknown, keys: readonly (keyof T & string)[], name: string): T {
  const fields = recordAt(value, name)
  return Object.fromEntries(keys.map((key) => [key, numberAt(fields, key)])) as T
}

function numberAt(fields: Record<string, unknown>, key: string): number {
  const value = fields[key]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(`${key} is missing or not a finite number.`)
}

function positiveAt(fields: Record<string, unknown>, key: string): number {
  const value = numberAt(fields, key)
  if (value > 0) return value
  throw new Error(`${key} is not above 0.`)
}

function recordAt(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new Error(`${name} is missing.`)
}
