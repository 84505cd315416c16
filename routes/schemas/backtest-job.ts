import { Type } from '@sinclair/typebox'
import { Backtest } from './backtest.js'
import { RUNNING_BACKTEST } from './examples/backtest.js'
import { amount, nullable, oneOf, ref, share, Timestamp, timestamp } from './types.js'

export const BacktestJobParams = Type.Object({
  id: Type.String({ format: 'uuid', description: 'Id of the backtest, a UUID.' }),
})

export const BacktestJob = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Id of the backtest, a UUID.' }),
    state: oneOf(['running', 'done', 'failed', 'stopped'], { description: 'State of the backtest.' }),
    stage: oneOf(['waiting', 'replaying'], {
      description: 'The current step, or the last one. waiting: the database prepares the requests.',
    }),
    progress: share('Replayed share of the time range, 0 to 1.'),
    estimated_seconds_left: nullable(Type.Number({ minimum: 0 }), {
      description:
        'Estimated seconds until the end. Null when it has ended and while there is too little progress for an estimate.',
    }),
    elapsed_seconds: amount('Seconds since the backtest began, or its duration in seconds.'),
    started_at: timestamp('When the backtest began.'),
    ended_at: nullable(Timestamp, { description: 'When it ended. Null while it is running.' }),
    stop_requested: Type.Boolean({ description: 'True if somebody has asked it to stop.' }),
    request: Type.Unknown({ description: 'The fields of the request that began it.' }),
    result: nullable(ref(Backtest), { description: 'The outcome. Null unless the state is done.' }),
    error: nullable(
      Type.Object({
        code: Type.String({ description: 'A stable code.' }),
        message: Type.String({ description: 'What is wrong and what to do next.' }),
      }),
      { description: 'Why it failed or was stopped. Null otherwise.' },
    ),
  },
  {
    $id: 'BacktestJob',
    description: 'A backtest in the background and its progress.',
    examples: [RUNNING_BACKTEST],
  },
)
