import { counted, short } from '../figures.js'
import type { ClientLimitFacts } from './limit.js'
import type { LongWindow } from '../recommendation.js'
import type { Strategy } from '../strategies.js'
import type { Tier } from '../tiers.js'

interface Answer {
  readonly limit: number
  readonly burst: number
  readonly longWindow: LongWindow | null
  readonly dayWindow: LongWindow | null
  readonly exceptions: readonly unknown[]
  readonly tier: Tier
  readonly strategy: Strategy
}

/** Explains the limit of one client in sentences, with the numbers it was computed from. */
export function describeClientLimit(fitted: ClientLimitFacts, answer: Answer): string {
  const { clients, days, nRunaways, busiestMinute, busiestHour, interval } = fitted
  const { p50, p90, p99 } = fitted.peakMinutes
  const sentences = [
    `${counted(clients, 'client')} on ${counted(days, 'day')}: in their own busiest minute half of them have up to ${counted(short(p50), 'request')}, nine in ten up to ${short(p90)}, 99 in 100 up to ${short(p99)}.`,
  ]
  if (nRunaways > 0) {
    sentences.push(
      `${counted(nRunaways, 'client')} stood far apart from the others, as floods and scrapers do, and did not raise the limit.`,
    )
  }
  sentences.push(
    `The busiest minute of any other has ${counted(short(busiestMinute), 'request')}; all but a very few of them fit, with 15 % to spare, into ${short(fitted.limit)}; tier ${answer.tier.name} × ${answer.tier.multiplier} and strategy ${answer.strategy} make ${answer.limit}.`,
    `A burst of ${answer.burst} is what they need at that rate.`,
  )
  if (answer.longWindow) {
    sentences.push(
      `Over an hour nobody else has more than ${short(busiestHour)}: a second limit of ${answer.longWindow.limit} an hour stops who stays under the minute all day.`,
    )
  }
  if (answer.dayWindow) {
    sentences.push(`A third limit of ${answer.dayWindow.limit} a day stops who stays under the others.`)
  }
  if (answer.exceptions.length > 0) {
    sentences.push(
      `${counted(answer.exceptions.length, 'regular program')} would lose requests; each has a limit of its own in exceptions.`,
    )
  }
  if (days > 1) {
    sentences.push(
      `With other days the limit would lie between ${Math.round((interval.lower * answer.limit) / fitted.limit)} and ${Math.round((interval.upper * answer.limit) / fitted.limit)}, nine times in ten.`,
    )
  }
  return sentences.join(' ')
}
