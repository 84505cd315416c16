import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { drawGateway } from './gateway.js'
import { judgeGateway } from './judge-gateway.js'
const [n, days, ...seeds] = process.argv.slice(2).map(Number)
for (const seed of seeds) {
  const options = { nEndpoints: n!, seed, days: days! }
  const f = `/tmp/prof-math/world-${n}-${days}-${seed}`
  if (!existsSync(f)) writeFileSync(f, serialize(drawGateway(options)))
  const r = judgeGateway(options, deserialize(readFileSync(f)))
  const at = (ms: number) => ((ms - r.mondayMs) / 86400000).toFixed(3)
  for (const { truth, found, isRightFirst, delayMinutes } of r.incidents)
    if (!isRightFirst || found.length !== 1 || delayMinutes! > 3)
      console.log(
        ' ',
        truth.name,
        truth.endpoint,
        (truth.start / 1440).toFixed(3),
        truth.end - truth.start,
        'min x',
        truth.traffic.toFixed(2),
        truth.latency.toFixed(2),
        truth.errors.toFixed(2),
        '| found',
        found.length,
        'first',
        isRightFirst,
        'delay',
        delayMinutes,
        found
          .map((f) =>
            f.incident.endpoints
              .slice(0, 3)
              .map((e) => e.endpoint + ' ' + e.share.toFixed(2))
              .join(','),
          )
          .join(' | '),
      )
  console.log(
    '  outage',
    r.outageTruth.name,
    r.outage.length,
    r.outage.map((f) => f.incident.series.kind + ' ' + f.incident.endpoints.length).join(' | '),
  )
  for (const { incident, openedMs } of r.falseIncidents.slice(0, 12))
    console.log(
      '  FALSE',
      at(openedMs),
      incident.series.kind,
      incident.series.name,
      incident.type,
      incident.severity,
      'onset',
      at(incident.startedMs),
      'lasts',
      incident.endedMs ? (incident.endedMs - openedMs) / 60000 : 'open',
      incident.explanation.slice(0, 90),
      incident.endpoints
        .slice(0, 3)
        .map((e) => e.endpoint)
        .join(','),
    )
  console.log(
    '  shared',
    JSON.stringify(r.watch.thresholds.evidence, (_, v) => (typeof v === 'number' ? +v.toFixed(2) : v)),
  )
  for (const e of r.watch.endpoints.values())
    if (
      JSON.stringify(e.thresholds) !==
      JSON.stringify(JSON.parse(JSON.stringify(e.thresholds), (_, v) => (typeof v === 'number' ? 1 : v)))
    )
      console.log(
        '   own',
        e.endpoint,
        e.requestsPerSecond.toFixed(2),
        JSON.stringify(e.thresholds, (_, v) => (typeof v === 'number' ? +v.toFixed(1) : v)).slice(0, 400),
      )
  const nf = r.incidents.length
  console.log(
    `seed ${seed}: found ${r.incidents.filter((i) => i.found.length).length}/${nf} first ${r.incidents.filter((i) => i.isRightFirst).length} false/day ${(r.falseIncidents.length / r.days).toFixed(2)} costs ${JSON.stringify(r.costs)}`,
  )
}
