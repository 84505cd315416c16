import { Type } from '@sinclair/typebox'
import { DEPLOYMENT, NEW_DEPLOYMENT } from './examples/notifications.js'
import { SourceName } from './incidents.js'
import { NamedEndpoint } from './silences.js'
import { nullable, ref, timestamp, endTime } from './types.js'

const OF_SOURCE = 'What reports to /detect under this name. `default` is the gateway.'
const OF_ENDPOINT =
  'An endpoint: `GET /orders/{id}`, `/orders/{id}` for all methods, or the beginning of either with * at its end.'

export const DeploymentBody = Type.Object(
  {
    source: Type.Optional(SourceName(`${OF_SOURCE} Default: the gateway, without endpoint.`)),
    endpoint: Type.Optional(NamedEndpoint(`${OF_ENDPOINT} Use it instead of source.`)),
    version: Type.String({
      ...{ minLength: 1, maxLength: 200, format: 'printable' },
      description: 'What was deployed: a version or a commit, 1 to 200 characters.',
    }),
    at: Type.Optional(timestamp('When, within RETENTION_DAYS. Default: now.')),
  },
  { $id: 'DeploymentBody', description: 'A new version that is in use.', examples: [NEW_DEPLOYMENT] },
)

export const Deployment = Type.Object(
  {
    id: Type.String({ description: 'Id of the deployment.' }),
    source: nullable(Type.String(), { description: 'The source. Null for the gateway or an endpoint.' }),
    endpoint: nullable(Type.String(), { description: 'The endpoint. Null for a source or the gateway.' }),
    version: Type.String({ description: 'What was deployed.' }),
    at: timestamp('When it was.'),
    created_at: timestamp('When it was reported.'),
  },
  { $id: 'Deployment', description: 'A deployment.', examples: [DEPLOYMENT] },
)

export const DeploymentPage = Type.Object(
  {
    deployments: Type.Array(ref(Deployment), { description: 'The deployments, the newest first.' }),
    next: nullable(Type.String(), {
      description: 'Give it as `next` for the following page. Null on the last one.',
    }),
  },
  {
    $id: 'DeploymentPage',
    description: 'A page of deployments.',
    examples: [{ deployments: [DEPLOYMENT], next: null }],
  },
)

export const DeploymentsQuery = Type.Object({
  from: Type.Optional(timestamp('Only deployments at this time or later.')),
  to: Type.Optional(endTime('Only deployments before this time.')),
  source: Type.Optional(SourceName('Only deployments of this source. `default` is the gateway.')),
  endpoint: Type.Optional(NamedEndpoint('Only deployments that were reported for this endpoint.')),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 500,
      description: 'Maximum number of deployments, 1 to 500. Default: 50.',
    }),
  ),
  next: Type.Optional(
    Type.String({
      ...{ minLength: 3, maxLength: 40, pattern: '^[0-9a-z]{1,11}-[0-9]{1,18}$' },
      description: 'Where the page begins: `next` of the page before.',
    }),
  ),
})

export const deploymentSchemas = [Deployment, DeploymentPage, DeploymentBody]
