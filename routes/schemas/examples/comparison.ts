import { TRAINED_DETECTOR } from './training.js'

const outage = {
  from: '2026-01-27T14:02:00.000Z',
  to: '2026-01-27T14:41:00.000Z',
  anomaly_type: 'error_rate_spike',
  severity: 'high',
  explanation: 'Error rate 38 % (35 times the usual), expected 0–2.1 % for Tuesday 14:03.',
}

export const MODEL_COMPARISON = {
  version: TRAINED_DETECTOR.version,
  compared_with: '20260130T031700000Z',
  automatic: true,
  activated: true,
  refused: null,
  objections: [],
  from: '2026-01-17T03:00:00.000Z',
  to: '2026-01-31T02:59:00.000Z',
  alarms: { before: 1, after: 0, allowed: 1 },
  incidents: { marked: 1, before: 1, after: 1, still: 1 },
  probes: { injected: 184, before: 184, after: 183, still: 183 },
  episodes: {
    only_before: 1,
    only_after: 0,
    both: 1,
    listed: [
      {
        before: {
          from: '2026-01-24T09:00:00.000Z',
          to: '2026-01-24T09:06:00.000Z',
          anomaly_type: 'traffic_spike',
          severity: 'medium',
          explanation: 'Traffic 61 requests/s, usually 38 requests/s for Saturday 09:02.',
        },
        after: null,
        marked: false,
      },
      { before: outage, after: outage, marked: true },
    ],
  },
}
