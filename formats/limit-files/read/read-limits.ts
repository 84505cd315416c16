import { splitEndpoint } from '../../../models/traffic/endpoint-name.js'
import { pathPattern } from '../path-pattern.js'
import { envoyLimits } from './envoy.js'
import { ratelimitServiceLimits } from './envoy-service.js'
import { haproxyLimits } from './haproxy.js'
import { kongLimits } from './kong.js'
import { UnreadableLimits, type FileLimits, type ReadingContext, type SeenRequest } from './limits.js'
import { nginxLimits } from './nginx.js'
import { ownLimits } from './own-limits.js'
import { at, yamlDocuments } from './yaml-nodes.js'

export const CHECKED_GATEWAYS = ['nginx', 'haproxy', 'envoy', 'kong', 'aegis'] as const
export type CheckedGateway = (typeof CHECKED_GATEWAYS)[number]

/**
 * The limits of a gateway's file.
 *
 * @param gateway undefined: it is told from the text
 * @throws UnreadableLimits naming the line of what is not understood, and when there is no limit at all
 */
export function readLimits(text: string, gateway?: CheckedGateway, context: ReadingContext = {}): FileLimits {
  const found = limitsOf(text, gateway ?? detected(text), context)
  if (found.count > 0) return found
  throw new UnreadableLimits(1, `no limit of ${found.gateway} is in the file`)
}

function limitsOf(text: string, gateway: CheckedGateway, context: ReadingContext): FileLimits {
  if (gateway === 'nginx') return nginxLimits(text, context)
  if (gateway === 'haproxy') return haproxyLimits(text, context)
  const documents = yamlDocuments(text)
  const [first] = documents
  if (gateway === 'kong' && first) return kongLimits(first, context)
  if (gateway === 'envoy') {
    const service = documents.find((document) => at(document, 'descriptors') && at(document, 'domain'))
    return service ? ratelimitServiceLimits(service, createNames()) : envoyLimits(documents, context)
  }
  const list = at(first, 'rate_limits') ?? at(first, 'data', 'limits') ?? at(first, 'limits') ?? first
  if (list?.items) return ownLimits(list.items)
  throw new UnreadableLimits(list?.line ?? 1, 'there is no list rate_limits or limits')
}

function detected(text: string): CheckedGateway {
  if (/^\s*(?:limit_req(?:_zone)?\s|http\s*\{|server\s*\{|events\s*\{)/m.test(text)) return 'nginx'
  if (/^\s*(?:stick-table\s|frontend\s|http-request\s|listen\s+\S+$)/m.test(text)) return 'haproxy'
  if (/^\s*["']?_format_version/m.test(text)) return 'kong'
  if (/local_ratelimit|^domain:/m.test(text)) return 'envoy'
  if (/rate_limits|(?:requests|cost)_per_minute/.test(text)) return 'aegis'
  throw new UnreadableLimits(1, 'the gateway cannot be told from the text: give --gateway')
}

/** Whether a request is of an endpoint, by its name. */
function createNames(): (endpoint: string, request: SeenRequest) => boolean {
  const patterns = new Map<string, { method: string; pattern: RegExp }>()
  return (endpoint, request) => {
    const { method, path } = splitEndpoint(endpoint)
    const known = patterns.get(endpoint) ?? {
      method,
      pattern: new RegExp(`^(?:${pathPattern(path, 'units', 'raw')})$`),
    }
    patterns.set(endpoint, known)
    return (known.method === '' || known.method === request.method) && known.pattern.test(request.path)
  }
}
