import { aroundTheWorld } from './around-the-world.js'
import { eveningPeaks } from './evening-peaks.js'
import type { DrawGateway } from './gateway.js'
import { hourlyJobs } from './hourly-jobs.js'
import { littleTraffic } from './little-traffic.js'
import { newDeployment } from './new-deployment.js'
import { officeHours } from './office-hours.js'
import { quietNights } from './quiet-nights.js'
import { quietWeekend } from './quiet-weekend.js'

/** A kind that is judged on its own, in rows of several lengths. */
export const QUIET_NIGHTS = 'quiet-nights'

/** All kinds of gateways by name; each seed draws one of each. */
export const GATEWAYS: ReadonlyMap<string, DrawGateway> = new Map([
  ['office-hours', officeHours],
  ['hourly-jobs', hourlyJobs],
  ['evening-peaks', eveningPeaks],
  ['little-traffic', littleTraffic],
  ['new-deployment', newDeployment],
  ['around-the-world', aroundTheWorld],
  ['quiet-weekend', quietWeekend],
  [QUIET_NIGHTS, quietNights],
])
