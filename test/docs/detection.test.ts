import t from 'tap'
import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import { CERTAIN_GATE, GATE, JOINT_GATE } from '../../models/anomaly/gates.js'
import { ANOMALY_TYPES, normalizedScore, severityOf } from '../../models/anomaly/verdict.js'
import { MIN_DAYS, RHYTHMS, SLOT_MINUTES } from '../../models/seasonality/rhythm.js'
import * as chance from '../../models/anomaly/chance.js'
import * as deviation from '../../models/anomaly/deviation.js'
import * as expectation from '../../models/anomaly/expectation.js'
import * as explain from '../../models/anomaly/explain.js'
import * as forestRow from '../../models/anomaly/forest-row.js'
import * as measure from '../../models/anomaly/measure.js'
import * as heldOutModels from '../../models/anomaly/held-out-models.js'
import * as nearestLevel from '../../models/anomaly/nearest-level.js'
import * as model from '../../models/anomaly/model.js'
import * as noise from '../../models/anomaly/noise.js'
import * as regularHistory from '../../models/anomaly/regular-history.js'
import * as rowInterval from '../../models/anomaly/row-interval.js'
import * as silentHours from '../../models/anomaly/silent-hours.js'
import * as scales from '../../models/anomaly/scales.js'
import * as strengths from '../../models/anomaly/strengths.js'
import * as verdict from '../../models/anomaly/verdict.js'
import * as dailyLevel from '../../models/seasonality/daily-level.js'
import * as edges from '../../models/seasonality/edges.js'
import * as fitRhythm from '../../models/seasonality/fit-rhythm.js'
import * as season from '../../models/seasonality/season.js'
import * as weeklyWindows from '../../models/seasonality/weekly-windows.js'
import * as calibrate from '../../models/stream/calibration/calibrate.js'
import * as evidencePeaks from '../../models/stream/calibration/evidence-peaks.js'
import * as recurrentEvents from '../../models/stream/calibration/recurrent-events.js'
import * as tail from '../../models/stream/calibration/tail.js'
import * as compareEpisodes from '../../models/stream/comparison/compare-episodes.js'
import * as comparison from '../../models/stream/comparison/comparison.js'
import * as learnedIncident from '../../models/stream/comparison/learned-incident.js'
import * as markedIncidents from '../../models/stream/comparison/marked-incidents.js'
import * as probes from '../../models/stream/comparison/probes.js'
import * as sensitivity from '../../models/stream/sensitivity.js'
import * as episode from '../../models/stream/episode.js'
import * as evidence from '../../models/stream/evidence.js'
import * as flapping from '../../models/stream/flapping.js'
import * as followBaseline from '../../models/stream/follow-baseline.js'
import * as informativeRequests from '../../models/stream/informative-requests.js'
import * as sourceBaseline from '../../models/stream/source-baseline.js'
import * as sourceTrend from '../../models/stream/source-trend.js'
import * as streamVerdict from '../../models/stream/stream-verdict.js'
import * as streams from '../../models/stream/streams.js'
import * as trend from '../../models/stream/trend.js'
import * as warmUp from '../../models/stream/warm-up.js'
import { codesIn, tableRows } from './documents.js'

const PAGE = 'docs/detection.md'

/** The modules that the tables of constants name. */
const MODULES: Readonly<Record<string, object>> = {
  'calibrate.ts': calibrate,
  'compare-episodes.ts': compareEpisodes,
  'comparison.ts': comparison,
  'chance.ts': chance,
  'daily-level.ts': dailyLevel,
  'deviation.ts': deviation,
  'edges.ts': edges,
  'episode.ts': episode,
  'evidence.ts': evidence,
  'evidence-peaks.ts': evidencePeaks,
  'expectation.ts': expectation,
  'explain.ts': explain,
  'fit-rhythm.ts': fitRhythm,
  'flapping.ts': flapping,
  'follow-baseline.ts': followBaseline,
  'forest-row.ts': forestRow,
  'held-out-models.ts': heldOutModels,
  'informative-requests.ts': informativeRequests,
  'learned-incident.ts': learnedIncident,
  'marked-incidents.ts': markedIncidents,
  'measure.ts': measure,
  'model.ts': model,
  'nearest-level.ts': nearestLevel,
  'noise.ts': noise,
  'probes.ts': probes,
  'recurrent-events.ts': recurrentEvents,
  'regular-history.ts': regularHistory,
  'row-interval.ts': rowInterval,
  'scales.ts': scales,
  'season.ts': season,
  'sensitivity.ts': sensitivity,
  'silent-hours.ts': silentHours,
  'source-baseline.ts': sourceBaseline,
  'source-trend.ts': sourceTrend,
  'stream-verdict.ts': streamVerdict,
  'streams.ts': streams,
  'strengths.ts': strengths,
  'tail.ts': tail,
  'trend.ts': trend,
  'verdict.ts': verdict,
  'warm-up.ts': warmUp,
  'weekly-windows.ts': weeklyWindows,
}

const number = (cell: string | undefined) => Number(cell?.replace('∞', 'Infinity').replaceAll(',', ''))

/** An exported constant, or a field of one as in `GATE.z`; undefined where there is none. */
function exportedValue(file: string, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], MODULES[file])
}

t.test('the constants of the page are those of the code', (t) => {
  const rows = tableRows(PAGE, 'constant')
  t.ok(rows.length > 60)
  for (const [name = '', file = '', value] of rows) {
    const [constant] = codesIn(name)
    t.equal(exportedValue(codesIn(file)[0]!, constant!), number(value), `${constant} of ${file}`)
  }
  t.end()
})

t.test('rhythms, gates, types and smallest effects are those of the code', (t) => {
  const rhythms = tableRows(PAGE, 'rhythm').map(([name = '', , slots = '', days]) => {
    return [codesIn(name)[0], /^\d/.test(slots) ? parseInt(slots) : SLOT_MINUTES.none, number(days)]
  })
  t.same(
    rhythms,
    RHYTHMS.map((rhythm) => [rhythm, SLOT_MINUTES[rhythm], MIN_DAYS[rhythm]]),
  )
  const gates = tableRows(PAGE, 'gate').map((cells) => cells.slice(0, 5))
  const { traffic, errors } = DEFAULT_EFFECTS
  const ofCode = Object.entries({ GATE, JOINT_GATE, CERTAIN_GATE }).map(([name, { z, effect }]) => {
    const [up, down] = [effect, -effect].map((power) => ((1 + traffic) ** power).toFixed(2))
    const points = (100 * effect * errors).toFixed(1)
    return [`\`${name}\``, String(z), String(effect), `${up} times, ${down} times`, `${points} points`]
  })
  t.same(gates, ofCode)
  t.same(
    tableRows(PAGE, 'type').map(([type = '']) => codesIn(type)[0]),
    ANOMALY_TYPES,
  )
  const effects = tableRows(PAGE, 'variable').map(([, value]) => number(value))
  t.same(effects, Object.values(DEFAULT_EFFECTS))
  t.end()
})

t.test('strength grows with the reach, and severity with the harm, as the page says', (t) => {
  for (const [reach, strength] of tableRows(PAGE, 'reach')) {
    const found = { anomaly: number(reach) >= 1, reach: number(reach) }
    t.equal(normalizedScore(found).toFixed(2), strength, `reach ${reach}`)
  }
  let from = 0
  for (const [severity = '', below, long = ''] of tableRows(PAGE, 'severity')) {
    const [until, step] = [number(below), codesIn(severity)[0]]
    for (const lasting of [from, until === Infinity ? 1 : until - 0.001]) {
      t.equal(severityOf({ harm: lasting, lasting, minutes: 29 }), step)
      t.equal(severityOf({ harm: lasting, lasting, minutes: 30 }), codesIn(long)[0])
    }
    from = until
  }
  t.end()
})

t.test('the reliability table is that of the report', (t) => {
  const rows = tableRows('docs/detection-report.md', 'confidence')
  t.ok(rows.length > 0)
  t.same(tableRows(PAGE, 'confidence'), rows)
  t.end()
})
