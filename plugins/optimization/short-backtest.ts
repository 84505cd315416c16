import type { Backtested, BacktestPlan } from './backtest.js'

/** What a recommendation would have done in the last days, in short. */
export interface ShortBacktest {
  readonly from: Date
  readonly to: Date
  readonly requests: number
  readonly rejected: number
  /** rejected / requests; 0 without requests. */
  readonly rejectionRate: number
  /** Null where all endpoints are replayed at once: clients are not counted by endpoint. */
  readonly clients: number | null
  readonly clientsAffected: number | null
}

/** Of all limits together: what is rejected by any of them. */
export function toWholeBacktest(
  { report }: Pick<Backtested, 'report'>,
  { from, to }: Pick<BacktestPlan, 'from' | 'to'>,
): ShortBacktest {
  const { requests, rejected, rejectionRate, clients, clientsAffected } = report
  return { from, to, requests, rejected, rejectionRate, clients, clientsAffected }
}

const NO_REQUESTS = { requests: 0, rejected: 0 }

/** @param index of the endpoint among those that were replayed; 0 is any other */
export function toShortBacktest(
  { report, names }: Backtested,
  index: number,
  { from, to }: Pick<BacktestPlan, 'from' | 'to'>,
): ShortBacktest {
  const { requests, rejected } = report.byEndpoint[index] ?? NO_REQUESTS
  const isAlone = names.endpoints.length === 2
  return {
    from,
    to,
    requests,
    rejected,
    rejectionRate: requests > 0 ? rejected / requests : 0,
    clients: isAlone ? report.clients : null,
    clientsAffected: isAlone ? report.clientsAffected : null,
  }
}
