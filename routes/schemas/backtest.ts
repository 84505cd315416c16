import { Type } from '@sinclair/typebox'
import { BACKTEST, BACKTEST_BODIES } from './examples/backtest.js'
import {
  ByMethod,
  choice,
  clientLimits,
  Endpoint,
  ENDPOINT,
  limit,
  LONG_WINDOW,
  LongWindow,
  Scope,
  SCOPE,
  unitFields,
} from './limit-choice.js'
import { amount, count, nullable, oneOf, share, timestamp } from './types.js'

const DAY_SECONDS = 86_400

const Algorithm = (description: string) => oneOf(['token_bucket', 'fixed_window'], { description })

export const BacktestBody = Type.Object(
  {
    endpoint: Type.Optional(Endpoint(`${ENDPOINT} Default: all endpoints.`)),
    ...choice,
    limit: Type.Optional(
      limit('Requests allowed per window, 1 to 1,000,000. Default: the recommended limit of each endpoint.'),
    ),
    burst: Type.Optional(
      limit('Requests allowed at once, 1 to 1,000,000. Only with limit. Default: the limit.'),
    ),
    window_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: DAY_SECONDS,
        description: 'Length of the window in seconds, 1 to 86,400. Only with limit. Default: 60.',
      }),
    ),
    long_window: Type.Optional(
      Type.Object(
        {
          seconds: Type.Integer({
            minimum: 1,
            maximum: 30 * DAY_SECONDS,
            description: 'Length of the window in seconds, 1 to 2,592,000.',
          }),
          limit: limit('Requests allowed in this window, 1 to 1,000,000.'),
        },
        { description: 'A second limit over a longer window. Only with limit.' },
      ),
    ),
    algorithm: Type.Optional(Algorithm('How the limiter counts. Default: token_bucket.')),
    by_method: Type.Optional(ByMethod),
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 90,
        description: 'Replay the last n days, 1 to 90. Default: 7, unless from is given.',
      }),
    ),
    from: Type.Optional(timestamp('Start of the time range, included. Use it instead of days.')),
    to: Type.Optional(
      timestamp('End of the time range, excluded. Only with from. The range has at most 90 days.'),
    ),
    wait: Type.Optional(
      Type.Boolean({
        description:
          'If false, the service answers 202 with a job and replays in the background. Default: true.',
      }),
    ),
  },
  { $id: 'BacktestBody', description: 'The limit and the traffic to replay.', examples: BACKTEST_BODIES },
)

const Rule = Type.Object({
  unit: unitFields.unit,
  limit: count('Requests allowed per window.'),
  burst: count('Requests allowed at once.'),
  window_seconds: amount('Length of the window in seconds.'),
  long_window: nullable(LongWindow, { description: LONG_WINDOW }),
  day_window: clientLimits.day_window,
  failures: clientLimits.failures,
  distinct_paths: clientLimits.distinct_paths,
})

const LimitTally = Type.Object({
  scope: Scope('Whose requests the limit counts.'),
  limit: oneOf(['limit', 'long_window', 'day_window', 'failures', 'distinct_paths'], {
    description: 'Which limit: the one per window (limit), or one of the others.',
  }),
  rejected: count('Number of requests that it is the first to reject.'),
  clients: count('Number of clients that sent these requests.'),
})

const tally = { requests: count('Number of requests.'), rejected: count('Number of rejected requests.') }
const MinuteTally = Type.Object({ minute: timestamp('Start of the minute.'), ...tally })
const ClientTally = Type.Object({ client: Type.String({ description: 'The client.' }), ...tally })
const TierTally = Type.Object({ tier: Type.String({ description: 'The tier.' }), ...tally })
const EndpointTally = Type.Object({ endpoint: Type.String({ description: 'The endpoint.' }), ...tally })

export const Backtest = Type.Object(
  {
    endpoint: nullable(Type.String(), {
      description: 'The endpoint. Null for all endpoints, /** for the limit over the whole gateway.',
    }),
    scope: Scope(SCOPE),
    algorithm: Algorithm('How the limiter counts.'),
    rule: nullable(Rule, { description: 'The replayed limit. Null when each endpoint has its own.' }),
    from: timestamp('Start of the replayed range.'),
    to: timestamp('End of the replayed range.'),
    requests: count('Number of replayed requests.'),
    rejected: count('Number of requests that the limit rejects.'),
    rejection_rate: share('rejected / requests, 0 to 1.'),
    rejected_by_gateway: Type.Optional(
      count('Number of rejected requests that exceed the limit over the whole gateway.'),
    ),
    rejected_by_long_window: count('Number of rejected requests that exceed the long window.'),
    by_limit: Type.Optional(
      Type.Array(LimitTally, {
        description:
          'What each limit rejects, in the order in which a request meets them. The numbers of rejected requests add up to rejected.',
      }),
    ),
    clients: count('Number of clients.'),
    clients_affected: count('Number of clients with a rejected request.'),
    clients_affected_rate: share('clients_affected / clients, 0 to 1.'),
    worst_minutes: Type.Array(MinuteTally, {
      description: 'The minutes with the most rejected requests, at most ten, most rejected first.',
    }),
    worst_clients: Type.Array(ClientTally, {
      description: 'The clients with the most rejected requests, at most ten, most rejected first.',
    }),
    by_tier: Type.Array(TierTally, {
      description: 'The requests of each tier. Empty when the tiers are unknown.',
    }),
    by_endpoint: Type.Array(EndpointTally, {
      description: 'The requests of each endpoint, at most 50, most rejected first.',
    }),
    peak_offered: nullable(MinuteTally, {
      description: 'The minute with the most requests. Null without requests.',
    }),
    peak_admitted: nullable(MinuteTally, {
      description: 'The minute with the most admitted requests. Null without requests.',
    }),
    unattributed: count(
      'Number of requests that no limit applies to, for example because their client is unknown. They are admitted.',
    ),
    seconds: amount('Duration of the replay in seconds.'),
  },
  { $id: 'Backtest', description: 'What a limit would have rejected.', examples: [BACKTEST] },
)
