import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { SensitivityMap } from '../schemas/sensitivity.js'

type Sensitivity = Awaited<ReturnType<FastifyInstance['detection']['sensitivity']>>['hours']

/** Digits that matter to an operator. */
const rounded = (value: number): number => Number(value.toPrecision(3))

export function sensitivityMap(hours: Sensitivity): Static<typeof SensitivityMap> {
  const perKind = (changes: Sensitivity[number]['soon']) =>
    Object.fromEntries(
      Object.entries(changes).map(([kind, found]) => [
        kind,
        found && { size: rounded(found.size), minutes: found.minutes },
      ]),
    ) as Static<typeof SensitivityMap>[number]['soon']
  return hours.map(({ days, fromHour, toHour, requestsPerMinute, soon, lasting }) => ({
    days,
    from_hour: fromHour,
    to_hour: toHour,
    requests_per_minute: rounded(requestsPerMinute),
    soon: perKind(soon),
    lasting: perKind(lasting),
  }))
}
