import { existsSync, readFileSync } from 'node:fs'
import { parseQueries } from '../../formats/prometheus/custom-queries.js'
import { PRESETS, presetQueries } from '../../formats/prometheus/presets.js'
import { isMatchers, type PrometheusQueries } from '../../formats/prometheus/queries.js'

/** A Prometheus that has the minutes of the gateway. */
export interface PrometheusConfig {
  /** Without user and password, and without a slash at its end. */
  readonly url: string
  /** The header that authorises a request; null without one. */
  readonly authorization: string | null
  /** The file of a bearer token, read for each request, since tokens are renewed; null without one. */
  readonly tokenFile: string | null
  readonly queries: PrometheusQueries
  /** The name of the minutes in our table. */
  readonly source: string
  /** The range of a rate; null to measure it. */
  readonly windowSeconds: number | null
}

/** The variables, '' for one that is not set. */
export interface PrometheusVariables {
  readonly url: string
  readonly token: string
  readonly tokenFile: string
  readonly preset: string
  readonly queries: string
  readonly selector: string
  readonly source: string
  /** 0 when not set. */
  readonly window: number
}

/** Makes the error of a variable from its name, what was given and what is allowed. */
type Refuse = (variable: string, given: string, allowed: string) => Error

/** What the error of a secret shows in its place. */
const HIDDEN = '…'

/**
 * Checks the variables of Prometheus.
 * @returns null without PROMETHEUS_URL
 */
export function prometheusConfig(given: PrometheusVariables, refuse: Refuse): PrometheusConfig | null {
  if (given.url === '') return null
  const { token, tokenFile, preset, source, window } = given
  if (token !== '' && tokenFile !== '') {
    throw refuse('PROMETHEUS_TOKEN', HIDDEN, 'no value beside PROMETHEUS_TOKEN_FILE')
  }
  const { url, basic } = parseUrl(given.url, refuse)
  if (!/^[\x21-\x7e]*$/.test(token)) {
    throw refuse('PROMETHEUS_TOKEN', HIDDEN, 'a text without spaces')
  }
  if (tokenFile !== '' && !existsSync(tokenFile)) {
    throw refuse('PROMETHEUS_TOKEN_FILE', tokenFile, 'a file that exists')
  }
  return Object.freeze({
    url,
    authorization: token !== '' ? `Bearer ${token}` : basic,
    tokenFile: tokenFile || null,
    queries: Object.freeze(queriesOf(given, refuse)),
    source: source || preset.toLowerCase() || 'prometheus',
    windowSeconds: window || null,
  })
}

function parseUrl(text: string, refuse: Refuse): { url: string; basic: string | null } {
  const allowed = 'the address of Prometheus, as http://prometheus:9090'
  const shown = text.replace(/^(\w+:\/\/)?.*@/s, `$1${HIDDEN}@`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || text.length > 1000) {
    throw refuse('PROMETHEUS_URL', shown, allowed)
  }
  const { username, password } = url
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    const hasUser = username !== '' || password !== ''
    return {
      url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
      basic: hasUser ? `Basic ${Buffer.from(credentials).toString('base64')}` : null,
    }
  } catch {
    throw refuse('PROMETHEUS_URL', shown, `${allowed}, with special characters of the password as %40`)
  }
}

function queriesOf({ preset, queries, selector }: PrometheusVariables, refuse: Refuse): PrometheusQueries {
  const known = PRESETS.find((name) => name === preset.toLowerCase())
  if ((preset === '') === (queries === '') || (preset !== '' && !known)) {
    const allowed = `one of ${PRESETS.join(', ')}, or none and PROMETHEUS_QUERIES instead`
    throw refuse('PROMETHEUS_PRESET', preset, allowed)
  }
  if (selector !== '' && (!known || !isMatchers(selector))) {
    const allowed = 'label matchers for the series of a preset, as entrypoint="web",code!="404"'
    throw refuse('PROMETHEUS_SELECTOR', selector, allowed)
  }
  if (known) return presetQueries(known, selector)
  try {
    const isText = queries.startsWith('{')
    return parseQueries(isText ? queries : readFileSync(queries, 'utf8'))
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ').slice(0, 200)
    const allowed = `a JSON object with requests, errors and latencies, or a file that holds one (${reason})`
    throw refuse('PROMETHEUS_QUERIES', queries.slice(0, 100), allowed)
  }
}
