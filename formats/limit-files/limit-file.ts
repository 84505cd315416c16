import type { RateLimitRecommendation } from '../../models/rate-limit/recommendation.js'
import { aegisFile } from './aegis.js'
import { apisixFile } from './apisix.js'
import { awsWafFile } from './aws-waf.js'
import { caddyFile } from './caddy.js'
import { cloudflareFile } from './cloudflare.js'
import { envoyGatewayFile } from './envoy-gateway.js'
import { ingressNginxFile } from './ingress-nginx.js'
import { istioFile } from './istio.js'
import { traefikFile } from './traefik.js'
import { envoyFile } from './envoy.js'
import { expressFile } from './express.js'
import { haproxyFile } from './haproxy.js'
import { headersFile } from './headers.js'
import { kongFile } from './kong.js'
import type { FileHead, RateLimitEntry } from './limit-entry.js'
import { nginxFile } from './nginx.js'

/** The writers of files, by the gateway or the program that reads them. */
const WRITERS = {
  aegis: aegisFile,
  nginx: nginxFile,
  haproxy: haproxyFile,
  envoy: envoyFile,
  kong: kongFile,
  express: expressFile,
  apisix: apisixFile,
  'aws-waf': awsWafFile,
  caddy: caddyFile,
  cloudflare: cloudflareFile,
  'envoy-gateway': envoyGatewayFile,
  'ingress-nginx': ingressNginxFile,
  istio: istioFile,
  traefik: traefikFile,
  headers: headersFile,
} as const satisfies Record<string, (entries: readonly RateLimitEntry[], head: FileHead) => string>

export type RateLimitFileFormat = keyof typeof WRITERS

/** Gateways that count what requests cost. The others would take milliseconds for requests. */
export const COST_FORMATS: readonly RateLimitFileFormat[] = ['aegis']

/** A complete file with the limits of endpoints, in log-only mode where the gateway has one. */
export function rateLimitFile(
  format: RateLimitFileFormat,
  entries: readonly RateLimitEntry[],
  head: FileHead,
): string {
  return WRITERS[format](entries, head)
}

/** A recommendation as an entry of a file. */
export function toRateLimitEntry(recommendation: RateLimitRecommendation): RateLimitEntry {
  const { endpoint, profile, scope, limit, burst, longWindow, dayWindow } = recommendation
  const { costs, exceptions, failures, distinctPaths } = recommendation
  const method = profile?.method ?? null
  return {
    ...{ endpoint, method, path: profile?.endpoint ?? endpoint, scope, costs, limit, burst },
    ...{ longWindow, dayWindow, exceptions, failures, distinctPaths },
  }
}
