import { ConfigError } from './error.js'

/** Where traces go, and which. */
export interface TracingConfig {
  /** The whole address, as http://collector:4318/v1/traces. */
  readonly url: string
  readonly serviceName: string
  /** Which share of the traces that begin here is kept, 0…1. */
  readonly ratio: number
  /** Whether a request that says so by its traceparent is kept or left out. */
  readonly followsParent: boolean
}

/** The samplers of the specification, and what each does; the share is that of OTEL_TRACES_SAMPLER_ARG. */
const SAMPLERS: Readonly<
  Record<string, { readonly followsParent: boolean; readonly ratio: number | 'arg' }>
> = {
  always_on: { followsParent: false, ratio: 1 },
  always_off: { followsParent: false, ratio: 0 },
  traceidratio: { followsParent: false, ratio: 'arg' },
  parentbased_always_on: { followsParent: true, ratio: 1 },
  parentbased_always_off: { followsParent: true, ratio: 0 },
  parentbased_traceidratio: { followsParent: true, ratio: 'arg' },
}

/** '' for one that is not set. */
type TracingVariables = Readonly<
  Record<
    'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_SERVICE_NAME' | 'OTEL_TRACES_SAMPLER' | 'OTEL_TRACES_SAMPLER_ARG',
    string
  >
>

/**
 * @returns null without OTEL_EXPORTER_OTLP_ENDPOINT
 * @throws ConfigError on the first bad value
 */
export function tracingConfig(variables: TracingVariables): TracingConfig | null {
  const endpoint = variables.OTEL_EXPORTER_OTLP_ENDPOINT
  if (endpoint === '') return null
  const share = variables.OTEL_TRACES_SAMPLER_ARG
  const name =
    variables.OTEL_TRACES_SAMPLER || (share === '' ? 'parentbased_always_on' : 'parentbased_traceidratio')
  const sampler = SAMPLERS[name.toLowerCase()]
  if (sampler === undefined) {
    throw new ConfigError(
      'OTEL_TRACES_SAMPLER',
      name.slice(0, 200),
      `one of ${Object.keys(SAMPLERS).join(', ')}`,
    )
  }
  return {
    url: tracesUrl(endpoint),
    serviceName: variables.OTEL_SERVICE_NAME.slice(0, 200) || 'aegis-ml',
    ratio: sampler.ratio === 'arg' ? shareOf(share) : sampler.ratio,
    followsParent: sampler.followsParent,
  }
}

function tracesUrl(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  // Headers belong into OTEL_EXPORTER_OTLP_HEADERS: an address stands in logs.
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (url === undefined || !/^https?:$/.test(url.protocol) || !isPlain) {
    const shown = url?.password ? '…' : endpoint.slice(0, 200)
    throw new ConfigError(
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      shown,
      'the address of an OTLP/HTTP receiver, as http://collector:4318',
    )
  }
  return `${url.href.replace(/\/+$/, '')}/v1/traces`
}

function shareOf(text: string): number {
  const share = text === '' ? 1 : Number(text)
  if (share >= 0 && share <= 1) return share
  throw new ConfigError('OTEL_TRACES_SAMPLER_ARG', text.slice(0, 200), 'a number from 0 to 1')
}
