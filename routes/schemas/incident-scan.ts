import { Type } from '@sinclair/typebox'
import { RUNNING_SCAN, SCAN_BODY, SCANNED } from './examples/incidents.js'
import { Incident } from './incidents.js'
import { amount, count, nullable, oneOf, ref, share, Timestamp, timestamp } from './types.js'

export const ScanBody = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3650,
        description: 'Scan the last n days, 1 to 3,650. Default: 14, unless from is given.',
      }),
    ),
    from: Type.Optional(timestamp('Start of the time range, included. Use it instead of days.')),
    to: Type.Optional(timestamp('End of the time range, excluded. Only with from. Default: now.')),
    wait: Type.Optional(
      Type.Boolean({
        description:
          'If false, the service answers 202 immediately with the job. Follow it at /incidents/scan/jobs/{id}. Default: true.',
      }),
    ),
  },
  {
    $id: 'ScanBody',
    description: 'Which history to scan.',
    examples: [SCAN_BODY, { from: '2026-01-18T00:00:00Z', to: '2026-02-01T00:00:00Z', wait: false }],
  },
)

export const Scan = Type.Object(
  {
    incidents: Type.Array(ref(Incident), {
      description:
        'What would have been incidents, newest first, in the shape of GET /incidents. They are not stored: the ids are valid in this answer only.',
    }),
    from: timestamp('Start of the scanned range.'),
    to: timestamp('End of the scanned range.'),
    minutes: count('Minutes with requests in the range.'),
    model_version: Type.String({ description: 'Version of the model that judged them.' }),
  },
  { $id: 'Scan', description: 'What a scan of stored history has found.', examples: [SCANNED] },
)

export const ScanJobParams = Type.Object({
  id: Type.String({ format: 'uuid', description: 'Id of the scan, a UUID.' }),
})

export const ScanJob = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Id of the scan, a UUID.' }),
    state: oneOf(['running', 'done', 'failed', 'stopped'], { description: 'State of the scan.' }),
    stage: oneOf(['waiting', 'replaying'], { description: 'The current step, or the last one.' }),
    progress: share('Share of the work that is done, 0 to 1. The first half brings the rollups up to date.'),
    estimated_seconds_left: nullable(Type.Number({ minimum: 0 }), {
      description:
        'Estimated seconds until the end. Null when it has ended and while there is too little progress for an estimate.',
    }),
    elapsed_seconds: amount('Seconds since the scan began, or its duration in seconds.'),
    started_at: timestamp('When the scan began.'),
    ended_at: nullable(Timestamp, { description: 'When it ended. Null while it is running.' }),
    stop_requested: Type.Boolean({ description: 'True if somebody has asked it to stop.' }),
    request: Type.Unknown({ description: 'The fields of the request that began it.' }),
    result: nullable(ref(Scan), { description: 'The outcome. Null unless the state is done.' }),
    error: nullable(
      Type.Object({
        code: Type.String({ description: 'A stable code.' }),
        message: Type.String({ description: 'What is wrong and what to do next.' }),
      }),
      { description: 'Why it failed or was stopped. Null otherwise.' },
    ),
  },
  { $id: 'ScanJob', description: 'A scan in the background and its progress.', examples: [RUNNING_SCAN] },
)

export const scanSchemas = [ScanBody, Scan, ScanJob]
