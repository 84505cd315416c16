import t from 'tap'
import { endedSilence } from '../../../models/watch/silence.js'
import { anIncident } from '../../plugins/incidents/an-incident.js'

const STARTED = Date.parse('2026-03-02T12:04:00Z')
const before = anIncident()
const silence = { ...before, startedMs: STARTED, impact: { ...before.impact, missing: 47 } }

t.test('a silence that is over says how long it was, or that the rows came late', async (t) => {
  const sentence = (seconds: number) => endedSilence(silence, STARTED + seconds * 1000).explanation
  t.equal(sentence(120), 'No rows from 2026-03-02 12:04 UTC to 2026-03-02 12:06 UTC. 47 were expected.')
  t.equal(sentence(1.3), 'The rows since 2026-03-02 12:04 UTC came late. 47 were expected.')
})
