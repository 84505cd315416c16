import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { ModelComparison } from '../schemas/comparison.js'

type Compared = Awaited<ReturnType<FastifyInstance['modelManagement']['comparison']>>
type Alarm = Compared['comparison']['events']['listed'][number]['before']

const inText = (ms: number) => new Date(ms).toISOString()

function alarmInfo(alarm: Alarm) {
  if (alarm === null) return null
  const { fromMs, toMs, type, severity, explanation } = alarm
  return { from: inText(fromMs), to: inText(toMs), anomaly_type: type, severity, explanation }
}

/** A comparison as HTTP has it. */
export function comparisonInfo(
  version: string,
  { automatic, activated, refused, comparison }: Compared,
): Static<typeof ModelComparison> {
  const { against, fromMs, toMs, alarms, incidents, probes, events, objections } = comparison
  return {
    ...{ version, compared_with: against, automatic, activated, refused },
    objections: [...objections],
    ...{ from: inText(fromMs), to: inText(toMs), alarms, incidents, probes },
    episodes: {
      only_before: events.onlyBefore,
      only_after: events.onlyAfter,
      both: events.both,
      listed: events.listed.map(({ before, after, marked }) => ({
        before: alarmInfo(before),
        after: alarmInfo(after),
        marked,
      })),
    },
  }
}
