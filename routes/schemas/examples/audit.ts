export const AUDIT_ENTRY = {
  ...{ id: '57', at: '2026-01-31T12:10:00.000Z', actor: 'key' as const, caller: 'ada', role: 'operate' },
  ...{ operation: 'acknowledgeIncident', target: { id: '12' }, input: { note: 'looking at it' } },
  ...{ address: '10.0.3.7', forwarded_for: null, user_agent: 'curl/8.5.0' },
  ...{ request_id: '4bf92f3577b34da6a3ce929d0e0e4736', outcome: 'done' as const, status: 200, code: null },
}
