export const SENSITIVITY_MAP = [
  {
    days: 'monday_to_friday',
    from_hour: 8,
    to_hour: 12,
    requests_per_minute: 1840,
    soon: {
      traffic_spike: { size: 1.56, minutes: 2 },
      traffic_drop: { size: 0.64, minutes: 2 },
      latency_spike: { size: 1.56, minutes: 2 },
      error_rate_spike: { size: 0.03, minutes: 2 },
    },
    lasting: {
      traffic_spike: { size: 1.28, minutes: 9 },
      traffic_drop: { size: 0.76, minutes: 8 },
      latency_spike: { size: 1.28, minutes: 7 },
      error_rate_spike: { size: 0.013, minutes: 6 },
    },
  },
]

export const MODEL_SENSITIVITY = { version: '20260131T030000000Z', hours: SENSITIVITY_MAP }
