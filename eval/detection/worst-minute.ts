import { KINDS, type Kind } from '../../models/anomaly/kinds.js'
import type { Strengths } from '../../models/anomaly/strengths.js'
import { FEATURES } from '../../models/anomaly/features.js'
import type { Judged } from './contenders.js'

const SHORT: Readonly<Record<Kind, string>> = {
  traffic_spike: 'spike',
  traffic_drop: 'drop',
  latency_spike: 'latency',
  error_rate_spike: 'errors',
}

/** A moment as `Tue 04 14:05`. */
export function stamp(timeMs: number): string {
  const date = new Date(timeMs)
  return `${date.toUTCString().slice(0, 3)} ${date.toISOString().slice(8, 16).replace('T', ' ')}`
}

/**
 * The minute that ranks highest, for people: its rank, type and score, each kind as z (standard deviations) and effect
 * (times the smallest that matters), the mean of both over all minutes, and what was reported and expected of the five features.
 */
export function worstOf(minutes: readonly Judged[]): string {
  const said = minutes.filter((each) => each.strengths !== null)
  if (said.length === 0) return 'nothing reported'
  const worst = said.reduce((a, b) => (b.rank > a.rank ? b : a))
  const { strengths, verdict, rank, timeMs, row } = worst
  const mean = meanStrengths(said.map((each) => each.strengths!))
  const got = FEATURES.map((feature) => short(row[feature])).join(' ')
  const bands = FEATURES.map((feature) => short(verdict!.expected[feature].value)).join(' ')
  return (
    `worst ${stamp(timeMs).slice(-5)} rank ${rank.toFixed(2)} score ${verdict!.score.toFixed(3)} ` +
    `[${list(strengths!)}] mean [${list(mean)}] got ${got} expected ${bands}`
  )
}

function list(strengths: Strengths): string {
  return KINDS.filter((kind) => strengths[kind].z > 0.5)
    .map((kind) => `${SHORT[kind]} z ${strengths[kind].z.toFixed(1)} e ${strengths[kind].effect.toFixed(2)}`)
    .join(', ')
}

function meanStrengths(all: readonly Strengths[]): Strengths {
  const mean = (kind: Kind, of: 'z' | 'effect') =>
    all.reduce((sum, strengths) => sum + strengths[kind][of] / all.length, 0)
  const entries = KINDS.map((kind) => [kind, { z: mean(kind, 'z'), effect: mean(kind, 'effect') }])
  return Object.fromEntries(entries) as Strengths
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}
