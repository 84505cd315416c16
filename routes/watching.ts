import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sourceOf } from './mappers/incident.js'
import { toTimeline } from './mappers/timeline.js'
import { failures, ref } from './schemas/types.js'
import { Sources, SourcesQuery, TimelineData, TimelineQuery } from './schemas/watching.js'

const DEFAULT_LIMIT = 1_000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/sources',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listSources',
        tags: ['incidents'],
        summary: 'List what is watched and what reports',
        description:
          'The gateway, the sources that reported to /detect in the last week, and the endpoints of the last day.',
        querystring: SourcesQuery,
        response: { 200: ref(Sources), ...failures(400, 503) },
      },
    },
    async ({ query }) => {
      const { kind, status, limit = DEFAULT_LIMIT, offset = 0 } = query
      const { sources, lostMinutes } = await app.incidents.sources()
      const { judgedTo, delaySeconds, ...watcher } = await app.watcher.status()
      const matching = sources.filter(
        (each) =>
          (kind === undefined || each.series.kind === kind) &&
          (status === undefined || each.status === status),
      )
      return {
        sources: matching
          .slice(offset, offset + limit)
          .map(({ series, lastReport, status, openIncident, model }) => ({
            kind: series.kind,
            source: sourceOf(series),
            endpoint: series.kind === 'endpoint' ? series.name : null,
            last_report: lastReport?.toISOString() ?? null,
            status,
            open_incident: openIncident,
            model,
          })),
        ...{ total: matching.length, limit, offset },
        watcher: { ...watcher, judged_to: judgedTo?.toISOString() ?? null, delay_seconds: delaySeconds },
        lost_minutes: lostMinutes,
      }
    },
  )

  app.get(
    '/timeline',
    {
      config: { access: 'read', slots: 'compute' },
      schema: {
        operationId: 'getTimeline',
        tags: ['incidents'],
        summary: 'Show what a series was like over time',
        description:
          'Values, expected bands and verdicts of the gateway, of a source or of an endpoint. Judged minutes have the bands and the verdicts of then. Other minutes of the gateway and of endpoints have the values of the request log and the bands of the models of now. Percentiles of longer steps are means of those of the minutes.',
        querystring: TimelineQuery,
        response: { 200: ref(TimelineData), ...failures(400, 503) },
      },
    },
    async ({ query }) => toTimeline(await app.incidents.timeline(query)),
  )
}

export default routes
