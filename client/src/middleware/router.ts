import type { ServerResponse } from 'node:http'
import type { Client } from '../client.js'
import type { MLServiceClient } from '../ml-service-client.js'
import type { Input } from '../operations.js'
import { MLServiceError } from '../ml-service-error.js'
import { answer, answerFailure } from './envelope.js'
import type { MLMiddleware, Next } from './express.js'
import { apiOf } from './options.js'
import { optimizeInput } from './optimize-input.js'
import { bodyOf, type ParsedRequest } from './request-body.js'

export interface MLRouterOptions {
  /** Default: the shared client of the process. */
  readonly client?: Client | MLServiceClient | undefined
  /** Key of the service, in place of `client`: the router then has a client of its own at ML_SERVICE_URL. */
  readonly apiKey?: string | undefined
  /** The middleware whose verdicts /anomaly/status shows. */
  readonly middleware?: MLMiddleware | undefined
  /** If true, the router serves POST /train. Do not set it on a public router. Default: false. */
  readonly train?: boolean | undefined
}

/** A router for Express 4 and 5 with any mount path, and for node:http without `next`. */
export type MLRouter = (request: ParsedRequest, response: ServerResponse, next?: Next) => void

interface Call {
  readonly api: () => Client
  readonly options: MLRouterOptions
  readonly query: URLSearchParams
  /** The part of the path after the route. */
  readonly rest: string
  readonly body: () => Promise<object>
}

type Route = readonly [method: string, path: RegExp, answer: (call: Call) => Promise<unknown>]

const LIVENESS_TIMEOUT_MS = 2_000

const ROUTES: readonly Route[] = [
  ['GET', /^\/health$/, ({ api }) => api().getHealth()],
  ['GET', /^\/model\/info$/, ({ api }) => api().getModelInfo()],
  ['GET', /^\/anomaly\/status$/, status],
  ['GET', /^\/anomaly\/trend$/, trend],
  ['POST', /^\/anomaly\/detect$/, async ({ api, body }) => api().detect((await body()) as Input<'detect'>)],
  ['GET', /^\/optimize\/(.+)$/, async ({ api, rest, query }) => api().optimize(optimizeInput(rest, query))],
]

const TRAIN: Route = ['POST', /^\/train$/, async ({ api, body }) => api().train(await body())]

/** Serves the data of the service at the gateway. It has no state. Other paths go to `next`. */
export function createMLRouter(options: MLRouterOptions = {}): MLRouter {
  const routes = options.train === true ? [...ROUTES, TRAIN] : ROUTES
  const api = apiOf(options)

  return (request, response, next) => {
    const [path = '/', query] = (request.url ?? '/').split('?', 2)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    for (const [routeMethod, pattern, answered] of routes) {
      const match = method === routeMethod ? pattern.exec(path) : null
      if (!match) continue
      const call = {
        api,
        options,
        query: new URLSearchParams(query),
        rest: match[1] ?? '',
        body: () => bodyOf(request),
      }
      void respond(response, () => answered(call))
      return
    }
    if (next) next()
    else answerFailure(response, notFound(path))
  }
}

async function respond(response: ServerResponse, answered: () => Promise<unknown>): Promise<void> {
  try {
    answer(response, await answered())
  } catch (error) {
    answerFailure(response, error)
  }
}

async function status({ api, options: { middleware } }: Call): Promise<unknown> {
  const { enabled = false, source = null, judged = null } = middleware?.status() ?? {}
  const reachable = await api()
    .getLiveness(undefined, { timeoutMs: LIVENESS_TIMEOUT_MS, retry: { attempts: 1 } })
    .then(() => true)
    .catch(() => false)
  const { verdict = null, metrics = null } = judged ?? {}
  return { enabled, source, reachable, streak: verdict?.streak ?? 0, verdict, metrics }
}

async function trend({ api, query, options: { middleware } }: Call): Promise<unknown> {
  const source = query.get('source') ?? middleware?.status().source
  return api().getTrend(source === undefined ? {} : { source })
}

function notFound(path: string): MLServiceError {
  return new MLServiceError('NOT_FOUND', `There is no ${path} here. Check the path.`, { status: 404 })
}
