import { descriptorsOf, fits, type DescriptorOf, type Entry } from './envoy-descriptors.js'
import { durationMs, UnreadableLimits, type AppliedLimit, type Counting, type SeenRequest } from './limits.js'
import { at, fieldsOf, lineOf, type YamlNode } from './yaml-nodes.js'

type Bucket = Extract<Counting, { kind: 'bucket' }>

/** A configuration of the filter local_ratelimit: of the filter, a virtual host or a route. */
export interface LocalLimits {
  readonly name: string
  readonly bucket: Bucket | null
  readonly descriptors: readonly {
    readonly name: string
    readonly entries: readonly Entry[]
    readonly bucket: Bucket
  }[]
  readonly alwaysDefault: boolean
  /** Of the filter itself; null: those of the route count. */
  readonly rateLimits: readonly DescriptorOf[] | null
  readonly stage: number
}

/** @throws UnreadableLimits naming what no log tells */
export function localLimits(node: YamlNode, name: string): LocalLimits {
  const perConnection = at(node, 'local_rate_limit_per_downstream_connection')
  if (perConnection?.value === true)
    throw new UnreadableLimits(lineOf(perConnection), 'an access log does not tell connections')
  const bucket = at(node, 'token_bucket')
  const stage = Number(at(node, 'stage')?.value ?? 0)
  const own = at(node, 'rate_limits')
  const descriptors = (at(node, 'descriptors')?.items ?? []).map((each) => {
    const entries = (at(each, 'entries')?.items ?? []).map((entry) => {
      return { key: String(at(entry, 'key')?.value), value: String(at(entry, 'value')?.value ?? '') }
    })
    const label = entries.map(({ key, value }) => (value === '' ? key : `${key} ${value}`)).join(', ')
    return { name: `${name}, ${label}`, entries, bucket: bucketOf(at(each, 'token_bucket'), each) }
  })
  return {
    ...{ name, stage, descriptors, bucket: bucket ? bucketOf(bucket, node) : null },
    alwaysDefault: at(node, 'always_consume_default_token_bucket')?.value !== false,
    rateLimits: own ? descriptorsOf(own, stage) : null,
  }
}

function bucketOf(node: YamlNode | undefined, around: YamlNode): Bucket {
  const burst = Number(at(node, 'max_tokens')?.value)
  const limit = Number(at(node, 'tokens_per_fill')?.value ?? 1)
  const windowMs = Math.round(durationMs(String(at(node, 'fill_interval')?.value), 's'))
  if (!(burst >= 1 && limit >= 1 && windowMs >= 1) || !Number.isSafeInteger(burst * limit)) {
    throw new UnreadableLimits(
      lineOf(node ?? around),
      'a token_bucket needs max_tokens, tokens_per_fill and fill_interval',
    )
  }
  return { kind: 'bucket', limit, burst, windowMs }
}

/** The buckets that a request needs a token of, in the order in which they are taken: the slowest descriptor first. */
export function bucketsFor(
  { name, bucket, descriptors, alwaysDefault, rateLimits }: LocalLimits,
  ofRoute: readonly DescriptorOf[],
  request: SeenRequest,
): AppliedLimit[] {
  const sent = descriptors.length > 0 ? (rateLimits ?? ofRoute).flatMap((of) => [of(request) ?? []]) : []
  const found = descriptors.flatMap((own): AppliedLimit[] => {
    const match = sent.find((entries) => fits(own.entries, entries))
    // A descriptor without a value has a bucket for each value.
    const key = match?.map(({ value }) => value).join(' ')
    return key === undefined ? [] : [{ name: own.name, key, counting: own.bucket }]
  })
  const perSecond = ({ counting }: AppliedLimit) =>
    counting.kind === 'bucket' ? counting.limit / counting.windowMs : 0
  found.sort((a, b) => perSecond(a) - perSecond(b))
  if (bucket && (found.length === 0 || alwaysDefault)) found.push({ name, key: '', counting: bucket })
  return found
}

/** By the name of the filter: what `typed_per_filter_config` says of local_ratelimit; null: it is off. */
export function perFilter(node: YamlNode, place: string): Map<string, LocalLimits | null> {
  const found = new Map<string, LocalLimits | null>()
  for (const [name, config] of fieldsOf(at(node, 'typed_per_filter_config'))) {
    const inner = at(config, 'config') ?? config
    const type = String(at(inner, '@type')?.value ?? at(config, '@type')?.value ?? '')
    if (at(config, 'disabled')?.value === true) found.set(name, null)
    else if (type.endsWith('LocalRateLimit') || name === 'envoy.filters.http.local_ratelimit')
      found.set(name, localLimits(inner, place))
  }
  return found
}
