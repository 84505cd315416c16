import { aroundTheWorld } from './around-the-world.js'
import * as bursts from './bursts.js'
import * as calendars from './calendars.js'
import { eveningPeaks } from './evening-peaks.js'
import type { DrawGateway } from './gateway.js'
import { hourlyJobs } from './hourly-jobs.js'
import { littleTraffic } from './little-traffic.js'
import { newDeployment } from './new-deployment.js'
import { officeHours } from './office-hours.js'
import * as operations from './operations.js'
import * as otherClocks from './other-clocks.js'
import { quietNights } from './quiet-nights.js'
import { quietWeekend } from './quiet-weekend.js'

/** A kind that is judged on its own, in rows of several lengths. */
export const QUIET_NIGHTS = 'quiet-nights'

/** The kinds of gateways that detection was built on, by name. */
export const FAMILIAR: ReadonlyMap<string, DrawGateway> = new Map([
  ['office-hours', officeHours],
  ['hourly-jobs', hourlyJobs],
  ['evening-peaks', eveningPeaks],
  ['little-traffic', littleTraffic],
  ['new-deployment', newDeployment],
  ['around-the-world', aroundTheWorld],
  ['quiet-weekend', quietWeekend],
  [QUIET_NIGHTS, quietNights],
])

/** Kinds that are unlike these and unlike each other; each is usual for somebody. */
export const UNFAMILIAR: ReadonlyMap<string, DrawGateway> = new Map([
  ['random-bursts', bursts.randomBursts],
  ['slowing-bursts', bursts.slowingBursts],
  ['cron-bursts', bursts.cronBursts],
  ['drifting-job', bursts.driftingJob],
  ['on-off-client', bursts.onOffClient],
  ['deploy-warm-ups', bursts.deployWarmUps],
  ['cache-expiries', bursts.cacheExpiries],
  ['retry-storms', bursts.retryStorms],
  ['memory-leaks', operations.memoryLeaks],
  ['maintenance-windows', operations.maintenanceWindows],
  ['night-batches', operations.nightBatches],
  ['workday-job', operations.workdayJob],
  ['autoscaling', operations.autoscaling],
  ['latency-steps', operations.latencySteps],
  ['wandering-errors', operations.wanderingErrors],
  ['heavy-tail', operations.heavyTail],
  ['sale', calendars.sale],
  ['bank-holidays', calendars.bankHolidays],
  ['fast-growth', calendars.fastGrowth],
  ['month-end', calendars.monthEnd],
  ['busy-weekend', calendars.busyWeekend],
  ['lunch-dips', calendars.lunchDips],
  ['weekly-report', calendars.weeklyReport],
  ['two-regions', calendars.twoRegions],
  ['polling', calendars.polling],
  ['few-requests', calendars.fewRequests],
  ['lessons', otherClocks.lessons],
  ['late-batches', otherClocks.lateBatches],
  ['tides', otherClocks.tides],
  ['few-slow-tails', operations.fewSlowTails],
  ['rare-timeouts', operations.rareTimeouts],
])

/** All kinds of gateways; each seed draws one of each. */
export const GATEWAYS: ReadonlyMap<string, DrawGateway> = new Map([...FAMILIAR, ...UNFAMILIAR])
