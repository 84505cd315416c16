import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Deployment, DeploymentBody, DeploymentPage, DeploymentsQuery } from './schemas/deployments.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/deployments',
    {
      config: { access: 'operate' },
      schema: {
        operationId: 'reportDeployment',
        tags: ['notifications'],
        summary: 'Report a deployment',
        description:
          'An incident that begins within 15 minutes after it says so in its change. The same deployment again changes nothing.',
        body: ref(DeploymentBody),
        response: { 200: ref(Deployment), ...failures(400, 413, 415, 503) },
      },
    },
    async ({ body }) => toDeployment(await app.deployments.report(body)),
  )

  app.get(
    '/deployments',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listDeployments',
        tags: ['notifications'],
        summary: 'List the deployments',
        description: 'Newest first.',
        querystring: DeploymentsQuery,
        response: { 200: ref(DeploymentPage), ...failures(400, 503) },
      },
    },
    async ({ query }) => {
      const { deployments, next } = await app.deployments.list(query)
      return { deployments: deployments.map(toDeployment), next }
    },
  )
}

type Stored = Awaited<ReturnType<FastifyInstance['deployments']['report']>>

function toDeployment({ id, source, endpoint, version, atMs, createdAt }: Stored) {
  const at = new Date(atMs).toISOString()
  return { id, source, endpoint, version, at, created_at: createdAt.toISOString() }
}

export default routes
