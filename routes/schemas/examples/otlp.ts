const attribute = (key: string, value: object) => ({ key, value })

const REQUEST_ATTRIBUTES = [
  attribute('http.request.method', { stringValue: 'GET' }),
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
