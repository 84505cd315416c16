import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authorOf } from './author.js'
import { toIncident, toIncidentDetail } from './mappers/incident.js'
import {
  Incident,
  IncidentDetail,
  IncidentPage,
  IncidentParams,
  IncidentsQuery,
  MarkBody,
} from './schemas/incidents.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/incidents',
    {
      preValidation: splitLists,
      config: { access: 'read', slots: 'reads' },
      schema: {
        operationId: 'listIncidents',
        tags: ['incidents'],
        summary: 'List the incidents',
        description:
          'Newest first. With next, pages stay as they are while new incidents arrive. Marks that the dashboards of the gateway made in anomaly_events are taken over first.',
        querystring: IncidentsQuery,
        response: { 200: ref(IncidentPage), ...failures(400, 503) },
      },
    },
    async ({ query: { state, type, severity, ...rest } }) => {
      const lists = { states: state ?? [], types: type ?? [], severities: severity ?? [] }
      const { incidents, next } = await app.incidents.list({ ...rest, ...lists })
      return { incidents: incidents.map(toIncident), next }
    },
  )

  app.get(
    '/incidents/:id',
    {
      config: { access: 'read', slots: 'reads' },
      schema: {
        operationId: 'getIncident',
        tags: ['incidents'],
        summary: 'Get an incident with its timeline',
        params: IncidentParams,
        response: { 200: ref(IncidentDetail), ...failures(400, 404, 503) },
      },
    },
    async ({ params }) => toIncidentDetail(await app.incidents.find(params.id)),
  )

  for (const { mark, operationId, summary, description } of MARKS) {
    app.post(
      `/incidents/:id/${mark}`,
      {
        config: { access: 'operate' },
        schema: {
          ...{ operationId, tags: ['incidents'], summary, description },
          params: IncidentParams,
          body: ref(MarkBody),
          response: { 200: ref(Incident), ...failures(400, 404, 409, 413, 415, 503) },
        },
      },
      async (request) => {
        const { by, note = null } = request.body
        const author = authorOf(request, 'by', by)
        return toIncident(await app.incidents.mark(request.params.id, { mark, author, note }))
      },
    )
  }
}

type Mark = Parameters<FastifyInstance['incidents']['mark']>[1]['mark']

const AGAIN =
  'The mark is durable when the answer comes, and stands in anomaly_events too. The same mark again changes nothing; a new note is entered as a comment.'

const MARKS: readonly {
  readonly mark: Mark
  readonly operationId: string
  readonly summary: string
  readonly description: string
}[] = [
  {
    ...{ mark: 'acknowledge', operationId: 'acknowledgeIncident', summary: 'Acknowledge an incident' },
    description: `Says that it is real. Possible while it is open, after it has ended by itself, and for a false positive, whose feedback ends. ${AGAIN}`,
  },
  {
    ...{ mark: 'resolve', operationId: 'resolveIncident', summary: 'Resolve an incident' },
    description: `Ends it, if it has not ended by itself. Not possible for a false positive. ${AGAIN}`,
  },
  {
    ...{ mark: 'false-positive', operationId: 'markFalsePositive', summary: 'Say that an incident is none' },
    description: `Ends it. Always possible. Similar deviations raise no alarm for 30 days, see GET /feedback. ${AGAIN}`,
  },
  {
    ...{ mark: 'comment', operationId: 'commentIncident', summary: 'Comment on an incident' },
    description: 'Adds a line to its timeline. The same comment of the same person again adds nothing.',
  },
]

/** Lists may have commas: `state=open,acknowledged`. */
async function splitLists({ query }: FastifyRequest): Promise<void> {
  const given = query as Record<string, string | string[] | undefined>
  for (const name of ['state', 'type', 'severity']) {
    if (given[name] !== undefined) given[name] = [given[name]].flat().flatMap((text) => text.split(','))
  }
}

export default routes
