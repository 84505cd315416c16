import { Type } from '@sinclair/typebox'
import { CLUSTERS } from './examples/limits.js'
import { ByMethod, selection, total } from './limit-choice.js'
import { amount, count, share } from './types.js'

const MAX_CLUSTERS = 50

export const ClustersQuery = Type.Object({
  n_clusters: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_CLUSTERS,
      'x-clamp': true,
      description:
        'Number of clusters, from 1. More than the number of endpoints, or than 50, are clamped, with a warning. Default: 5.',
    }),
  ),
  by_method: Type.Optional(ByMethod),
  ...selection,
})

const Details = Type.Object({
  size: count('Number of endpoints in the cluster.'),
  centre: Type.Object(
    {
      avg_requests_per_minute: amount('Mean of the requests per minute.'),
      peak_requests_per_minute: amount('Requests in the busiest minute.'),
      avg_latency_ms: amount('Mean response time in milliseconds.'),
      error_rate: share('Share of requests with a status of 400 or above, 0 to 1.'),
    },
    { description: 'The centre of the cluster.' },
  ),
})

export const Clusters = Type.Object(
  {
    clusters: Type.Record(Type.String(), Type.Array(Type.String()), {
      description:
        'The endpoints of each cluster, by the name of the cluster. The busiest cluster is first. With limit and offset, those of the page.',
    }),
    details: Type.Record(Type.String(), Details, {
      description: 'Size and centre of each cluster, by the name of the cluster.',
    }),
    total,
  },
  { $id: 'Clusters', description: 'Endpoints grouped by similar traffic.', examples: [CLUSTERS] },
)
