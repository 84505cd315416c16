import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authorOf } from './author.js'
import { toSilence } from './mappers/silence.js'
import { Silence, SilenceBody, SilenceParams, Silences } from './schemas/silences.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/silences',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listSilences',
        tags: ['notifications'],
        summary: 'List the silences',
        response: { 200: ref(Silences), ...failures(503) },
      },
    },
    async () => ({ silences: (await app.silences.list()).map(toSilence) }),
  )

  app.post(
    '/silences',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'createSilence',
        tags: ['notifications'],
        summary: 'Silence incidents',
        description:
          'Nobody is told of the incidents that a silence is about while it holds. They are kept. Of one that is still open when the silence ends, receivers are told then.',
        body: ref(SilenceBody),
        response: { 200: ref(Silence), ...failures(400, 413, 415, 503) },
      },
    },
    async (request) => {
      const { created_by: given, ...rest } = request.body
      const createdBy = authorOf(request, 'created_by', given)
      return toSilence(await app.silences.create({ ...rest, createdBy }))
    },
  )

  app.get(
    '/silences/:id',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getSilence',
        tags: ['notifications'],
        summary: 'Get a silence',
        params: SilenceParams,
        response: { 200: ref(Silence), ...failures(400, 404, 503) },
      },
    },
    async ({ params }) => toSilence(await app.silences.get(params.id)),
  )

  app.put(
    '/silences/:id',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'replaceSilence',
        tags: ['notifications'],
        summary: 'Replace a silence',
        description: 'What the body leaves out has its default.',
        params: SilenceParams,
        body: ref(SilenceBody),
        response: { 200: ref(Silence), ...failures(400, 404, 413, 415, 503) },
      },
    },
    async (request) => {
      const { created_by: given, ...rest } = request.body
      const createdBy = authorOf(request, 'created_by', given)
      return toSilence(await app.silences.replace(request.params.id, { ...rest, createdBy }))
    },
  )

  app.delete(
    '/silences/:id',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'deleteSilence',
        tags: ['notifications'],
        summary: 'Delete a silence',
        description: 'Receivers are told of the open incidents that it was about. The answer is what it was.',
        params: SilenceParams,
        response: { 200: ref(Silence), ...failures(400, 404, 503) },
      },
    },
    async ({ params }) => toSilence(await app.silences.delete(params.id)),
  )
}

export default routes
