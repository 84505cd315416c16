import { clientAddress } from '../../models/traffic/client-address.js'
import { METHOD, requestPath } from '../access-log/request-line.js'
import { numberOf, textOf, type Attributes } from './attributes.js'
import { routeTemplate } from './route-template.js'

/** A request that a server has answered, as its telemetry tells it. */
export interface HttpRequest {
  /** Milliseconds since 1970. */
  readonly timeMs: number
  readonly method: string
  /** Its own path, or the template of its route. */
  readonly path: string
  /** The host that was asked for, where it is known. */
  readonly host?: string | undefined
  readonly status: number
  readonly durationMs?: number | undefined
  readonly user?: string | undefined
  readonly client?: string | undefined
  readonly agent?: string | undefined
  readonly backend?: string | undefined
  readonly error?: string | undefined
}

/** Why a record is refused. The texts are few, so that the answer can count them. */
export interface Refusal {
  readonly refused: string
}

/** Attributes of the HTTP semantic conventions: the stable names first, then the older ones. */
const METHOD_NAMES = ['http.request.method', 'http.method']
const PATH_NAMES = ['url.path', 'http.target', 'url.full', 'http.url', 'url.original']
const URL_NAMES = ['url.full', 'http.url']
const HOST_NAMES = ['http.host', 'server.address', 'net.host.name', 'http.server_name']
const STATUS_NAMES = ['http.response.status_code', 'http.status_code']
const CLIENT_NAMES = [
  ...['client.address', 'http.client_ip'],
  ...['network.peer.address', 'net.sock.peer.addr', 'net.peer.ip'],
]
const USER_NAMES = ['enduser.id', 'user.id']
const AGENT_NAMES = ['user_agent.original', 'http.user_agent']

/** What the interface allows. */
const MAX_METHOD_LENGTH = 32
const MAX_PATH_LENGTH = 2048
const MAX_HOST_LENGTH = 260
const MAX_USER_LENGTH = 128
const MAX_AGENT_LENGTH = 1024
const MAX_BACKEND_LENGTH = 64
const MAX_ERROR_LENGTH = 2048
const MAX_DURATION_MS = 1e9

/** What is known besides the attributes. */
export interface Circumstances {
  readonly timeMs: number
  readonly durationMs: number | undefined
  readonly resource: Attributes
  /** The message of a failed request, empty if there is none; undefined when the request did not fail. */
  readonly error?: string | undefined
}

export function isHttp(attributes: Attributes): boolean {
  return textOf(attributes, METHOD_NAMES) !== undefined
}

/** The request that the attributes describe. */
export function readHttpRequest(attributes: Attributes, known: Circumstances): HttpRequest | Refusal {
  const method = textOf(attributes, METHOD_NAMES)
  if (method === undefined) return { refused: 'no http.request.method' }
  const path = pathOf(attributes)
  if (path === undefined) return { refused: 'no url.path' }
  const status = statusOf(attributes, known.error !== undefined)
  if (status === undefined) return { refused: 'no http.response.status_code from 100 to 599' }
  const client = textOf(attributes, CLIENT_NAMES)
  return {
    timeMs: known.timeMs,
    method: METHOD.test(method) ? method.slice(0, MAX_METHOD_LENGTH) : 'OTHER',
    path: path.slice(0, MAX_PATH_LENGTH),
    host: hostOf(attributes)?.slice(0, MAX_HOST_LENGTH),
    status,
    durationMs: durationOf(known.durationMs),
    user: textOf(attributes, USER_NAMES)?.slice(0, MAX_USER_LENGTH),
    client: client === undefined ? undefined : (clientAddress(client) ?? undefined),
    agent: textOf(attributes, AGENT_NAMES)?.slice(0, MAX_AGENT_LENGTH),
    backend: textOf(known.resource, ['service.name'])?.slice(0, MAX_BACKEND_LENGTH),
    error: errorOf(attributes, known.error)?.slice(0, MAX_ERROR_LENGTH),
  }
}

function durationOf(durationMs: number | undefined): number | undefined {
  const isDuration = durationMs !== undefined && durationMs >= 0
  return isDuration ? Math.min(durationMs, MAX_DURATION_MS) : undefined
}

/** The declared route goes before the path: it says which endpoint the request belongs to. */
function pathOf(attributes: Attributes): string | undefined {
  const route = textOf(attributes, ['http.route'])
  const template = route === undefined ? undefined : routeTemplate(route)
  if (template !== undefined) return template
  const target = textOf(attributes, PATH_NAMES)
  return target === undefined ? route : requestPath(target.split(/[?#]/, 1)[0]!) || '/'
}

/** What the client asked for goes before the name of the server. */
function hostOf(attributes: Attributes): string | undefined {
  const url = /^https?:\/\/([^/?#]+)/i.exec(textOf(attributes, URL_NAMES) ?? '')
  return url?.[1] ?? textOf(attributes, HOST_NAMES)
}

/**
 * A request that failed without a status never got an answer; it counts as a server error. `error.type` is the status
 * where that says that the request failed.
 */
function statusOf(attributes: Attributes, failed: boolean): number | undefined {
  const status = numberOf(attributes, STATUS_NAMES) ?? numberOf(attributes, ['error.type'])
  if (status !== undefined && Number.isInteger(status) && status >= 100 && status <= 599) return status
  return failed ? 500 : undefined
}

function errorOf(attributes: Attributes, message: string | undefined): string | undefined {
  return message === undefined || message !== '' ? message : textOf(attributes, ['error.type'])
}
