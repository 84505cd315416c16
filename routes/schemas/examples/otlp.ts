const attribute = (key: string, value: object) => ({ key, value })

export const ATTRIBUTE = attribute('http.request.method', { stringValue: 'GET' })

const REQUEST_ATTRIBUTES = [
  ATTRIBUTE,
  attribute('url.path', { stringValue: '/users/42' }),
  attribute('http.response.status_code', { intValue: '200' }),
  attribute('client.address', { stringValue: '203.0.113.7' }),
]

const RESOURCE = { attributes: [attribute('service.name', { stringValue: 'users' })] }

export const TRACE_REQUEST = {
  resourceSpans: [
    {
      resource: RESOURCE,
      scopeSpans: [
        {
          spans: [
            {
              kind: 2,
              startTimeUnixNano: '1769860800000000000',
              endTimeUnixNano: '1769860800042000000',
              attributes: [...REQUEST_ATTRIBUTES, attribute('http.route', { stringValue: '/users/:id' })],
            },
          ],
        },
      ],
    },
  ],
}

export const LOG_REQUEST = {
  resourceLogs: [
    {
      resource: RESOURCE,
      scopeLogs: [{ logRecords: [{ timeUnixNano: '1769860800042000000', attributes: REQUEST_ATTRIBUTES }] }],
    },
  ],
}

export const TRACE_RESPONSE = {
  partialSuccess: { rejectedSpans: '2', errorMessage: 'Not stored: 2: no url.path.' },
}

export const LOGS_RESPONSE = {
  partialSuccess: { rejectedLogRecords: '1', errorMessage: 'Not stored: 1: no http.request.method.' },
}

export const RPC_STATUS = { code: 3, message: 'The body is not valid gzip.' }
