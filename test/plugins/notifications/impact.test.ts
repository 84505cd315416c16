import t from 'tap'
import { impactInWords, type NotifiedIncident } from '../../../plugins/notifications/notification.js'

t.test('an impact says only what there is', async (t) => {
  const words = (impact: NotifiedIncident['impact'], endedAt: string | null = null) =>
    impactInWords({ impact, ended_at: endedAt } as NotifiedIncident)
  const harmed = { requests: 320, failed: 2, slow: 131, clients: 36 }
  t.equal(words(harmed), '320 requests of 36 clients so far; 2 failed and 131 were slow, more than usual.')
  const unharmed = { requests: 235, failed: 0, slow: 0 }
  t.equal(words({ ...unharmed, clients: null }), '235 requests so far.')
  t.equal(words({ ...unharmed, requests: 1, clients: 1 }, '2026-03-02T12:00:00Z'), '1 request of 1 client.')
})
