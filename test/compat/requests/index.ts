import type { Named } from '../request.js'
import { DETECTION } from './detection.js'
import { FRESH } from './fresh.js'
import { LIMITS } from './limits.js'
import { EXPORTS_AND_MODELS } from './models.js'
import { ROUTING } from './routing.js'
import { TRAINING } from './training.js'

/** In the order in which they are sent: they change the state of the service. */
export const OLD_REQUESTS: readonly Named[] = [
  ...FRESH,
  ...TRAINING,
  ...DETECTION,
  ...LIMITS,
  ...EXPORTS_AND_MODELS,
  ...ROUTING,
]
