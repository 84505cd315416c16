import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import fp from 'fastify-plugin'
import { parseCalendar, type CalendarEntry } from '../models/anomaly/calendar.js'
import { DEFAULT_EFFECTS, type LeastEffects } from '../models/anomaly/effects.js'
import { DEFAULT_ALARM_BUDGET } from '../models/stream/calibration/calibrate.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../models/traffic/durations.js'
import { DEFAULT_IPV6_PREFIX } from '../models/traffic/client-address.js'
import { parsePathRules, NO_RULES, type PathRules } from '../models/traffic/path-rules.js'
import { parseTiers, TIERS, type TierTable } from '../models/rate-limit/tiers.js'
import { ConfigError } from './config/error.js'
import { ensureFolder } from './config/folders.js'
import type { Connection } from '../db/pool.js'
import { readPostgres, readTrafficPostgres, type DatabaseConfig } from './config/postgres.js'
import { readOpenApi } from '../formats/openapi/read-openapi.js'
import { localTimeOf } from '../models/seasonality/local-time.js'
import { accessConfig, type AccessConfig } from './config/access.js'
import { readHosts, readOrigins } from './config/browser.js'
import { notificationConfig, type NotificationConfig } from './config/notifications.js'
import { reader, type Environment } from './config/reader.js'
import { tokenConfig } from './config/tokens.js'
import { tlsConfig, type TlsFiles } from './config/tls.js'
import { callersConfig, type CallersConfig } from './config/callers.js'
import { prometheusConfig, type PrometheusConfig } from './config/prometheus.js'
import { tracingConfig, type TracingConfig } from './config/tracing.js'

export { ConfigError, type DatabaseConfig, type Environment }

export type LogLevel = (typeof LOG_LEVELS)[number]
export type TrafficTable = (typeof TRAFFIC_TABLES)[number]
export type EngineChoice = (typeof ENGINE_CHOICES)[number]
export interface Config {
  readonly host: string
  readonly port: number
  /** Null when the service speaks plain HTTP. */
  readonly tls: TlsFiles | null
  readonly database: DatabaseConfig
  /** The database that has the request log, which is only read; null when it is the service's own. */
  readonly trafficDatabase: Connection | null
  /** Absolute paths. */
  readonly modelPath: string
  readonly dataPath: string
  readonly contamination: number
  /** False alarms a week that a model may raise on its own history. */
  readonly alarmBudget: number
  readonly anomalyThreshold: number
  readonly logLevel: LogLevel
  /** Who may call the service. */
  readonly access: AccessConfig
  readonly callers: CallersConfig
  /** Origins whose pages may call the service; `*` is any. */
  readonly corsOrigins: readonly string[]
  /** Further host names of the service, in lower case; `*.example.com` is any below it, `*` any. */
  readonly publicHosts: readonly string[]
  /** auto: the one that has rows. */
  readonly trafficTable: TrafficTable | 'auto'
  /** IANA name of the time zone of traffic tables whose times have none. */
  readonly trafficTimeZone: string
  /** The tiers of callers. */
  readonly tiers: TierTable
  /** What the gateway declares about its paths. */
  readonly pathRules: PathRules
  readonly scoringEngine: EngineChoice
  /** Threads for large batches, at most. */
  readonly workers: number
  /** How long the rollups of the traffic are kept. */
  readonly retentionDays: number
  /** How far back the rollups look for late rows. */
  readonly lookBackMinutes: number
  /** The addresses of an IPv6 network of so many bits are one client of a rate limit. */
  readonly ipv6Prefix: number
  /** IANA name of the time zone that the traffic follows. */
  readonly timeZone: string
  /** Smaller deviations never count as anomalies. */
  readonly effects: LeastEffects
  /** Known holidays and maintenance: left out of training, and not judged. */
  readonly calendar: readonly CalendarEntry[]
  /** How often the service trains by itself; null when it does not. */
  readonly trainEveryMs: number | null
  /** Whether the service judges each finished minute by itself: auto, when there is something to watch. */
  readonly watch: (typeof WATCH_CHOICES)[number]
  /** Waited for after the end of each minute before it is judged, in ms. It grows with how late rows arrive. */
  readonly watchDelayMs: number
  /** A Prometheus that has the minutes of the gateway; null without one. */
  readonly prometheus: PrometheusConfig | null
  /** How long it is kept who changed what. */
  readonly auditDays: number
  /** Where traces go; null when there are none. */
  readonly tracing: TracingConfig | null
  /** Who is told of incidents. */
  readonly notifications: NotificationConfig
}

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const TRAFFIC_TABLES = ['request_logs', 'request_metrics'] as const
const TABLE_CHOICES = ['auto', ...TRAFFIC_TABLES] as const
const WATCH_CHOICES = ['auto', 'on', 'off'] as const
const ENGINE_CHOICES = ['auto', 'kernel', 'tensor'] as const

/** One core is left for everything else. */
const DEFAULT_WORKERS = Math.min(64, Math.max(1, availableParallelism() - 1))

/**
 * The typed configuration of an environment. A variable that is empty counts as not set.
 * @throws ConfigError on the first bad value
 */
export function loadConfig(environment: Environment): Config {
  const { read, text, number, oneOf } = reader(environment)
  const debug = oneOf('FLASK_DEBUG', ['true', 'false', '1', '0'], 'false')
  const zone = timeZone('TIME_ZONE', text('TIME_ZONE', 'UTC', /^.{1,64}$/, ZONES))
  const host = text('ML_SERVICE_HOST', '127.0.0.1', /^[^\s/]{1,255}$/, 'a host name or an IP address')
  return Object.freeze({
    host,
    access: accessConfig({
      host,
      keys: text('API_KEYS', '', ANY, 'keys'),
      keysFile: text('API_KEYS_FILE', '', FILE, 'a file'),
      allowAnonymous: oneOf('ALLOW_ANONYMOUS', ['true', 'false'], 'false') === 'true',
      tokens: tokenConfig({
        JWT_JWKS_URL: text('JWT_JWKS_URL', '', ANY, 'an address'),
        JWT_ISSUER: text('JWT_ISSUER', '', ANY, 'a text'),
        JWT_AUDIENCE: text('JWT_AUDIENCE', '', ANY, 'a text'),
        JWT_ROLES_CLAIM: text('JWT_ROLES_CLAIM', 'roles', ANY, 'the name of a claim'),
      }),
    }),
    callers: callersConfig({
      rateLimit: text('RATE_LIMIT', '', ANY, 'a rate'),
      trustProxy: text('TRUST_PROXY', '', ANY, 'networks'),
    }),
    port: number('ML_SERVICE_PORT', 5000, { min: 0, max: 65535, integer: true }),
    tls: tlsConfig(
      text('ML_SERVICE_TLS_CERT_FILE', '', FILE, 'a file'),
      text('ML_SERVICE_TLS_KEY_FILE', '', FILE, 'a file'),
    ),
    database: Object.freeze(readPostgres(read, (name) => environment[name] || undefined)),
    trafficDatabase: readTrafficPostgres(read, (name) => environment[name] || undefined),
    modelPath: resolve(text('MODEL_PATH', './data/models', /^[^\0]{1,1000}$/, 'a folder')),
    dataPath: resolve(text('DATA_PATH', './data', /^[^\0]{1,1000}$/, 'a folder')),
    contamination: number('CONTAMINATION', 0.1, { above: 0, max: 0.5 }),
    alarmBudget: number('ALARM_BUDGET', DEFAULT_ALARM_BUDGET, { min: 0.01, max: 1000 }),
    anomalyThreshold: number('ANOMALY_THRESHOLD', -0.5, { min: -1, max: 0 }),
    logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, debug === 'true' || debug === '1' ? 'debug' : 'info'),
    corsOrigins: readOrigins(text('CORS_ORIGINS', '', ANY, 'origins')),
    publicHosts: readHosts(text('PUBLIC_HOSTS', '', ANY, 'names')),
    trafficTable: oneOf('TRAFFIC_TABLE', TABLE_CHOICES, 'auto'),
    trafficTimeZone: timeZone('TRAFFIC_TIME_ZONE', text('TRAFFIC_TIME_ZONE', 'UTC', ZONE_NAME, ZONES)),
    tiers: readTiers(text('TIERS', '', /^[^\0]{0,10000}$/, TIER_TABLE)),
    pathRules: readPathRules(text('PATH_RULES', '', /^[^\0]{0,100000}$/, PATH_RULES)),
    scoringEngine: oneOf('SCORING_ENGINE', ENGINE_CHOICES, 'auto'),
    workers: number('WORKERS', DEFAULT_WORKERS, { min: 1, max: 64, integer: true }),
    retentionDays: number('RETENTION_DAYS', 90, { min: 1, max: 3650, integer: true }),
    auditDays: number('AUDIT_DAYS', 365, { min: 1, max: 3650, integer: true }),
    tracing: tracingConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: text('OTEL_EXPORTER_OTLP_ENDPOINT', '', ANY, 'an address'),
      OTEL_SERVICE_NAME: text('OTEL_SERVICE_NAME', '', ANY, 'a name'),
      OTEL_TRACES_SAMPLER: text('OTEL_TRACES_SAMPLER', '', ANY, 'a sampler'),
      OTEL_TRACES_SAMPLER_ARG: text('OTEL_TRACES_SAMPLER_ARG', '', ANY, 'a share'),
    }),
    ipv6Prefix: number('IPV6_PREFIX', DEFAULT_IPV6_PREFIX, { min: 16, max: 128, integer: true }),
    lookBackMinutes: number('LOOK_BACK_MINUTES', 60, { min: 0, max: 10080, integer: true }),
    timeZone: zone,
    effects: Object.freeze({
      traffic: number('MIN_EFFECT_TRAFFIC', DEFAULT_EFFECTS.traffic, { min: 0.01, max: 10 }),
      latency: number('MIN_EFFECT_LATENCY', DEFAULT_EFFECTS.latency, { min: 0.01, max: 10 }),
      latencyMs: number('MIN_EFFECT_LATENCY_MS', DEFAULT_EFFECTS.latencyMs, { min: 0.001, max: 60_000 }),
      errors: number('MIN_EFFECT_ERROR_RATE', DEFAULT_EFFECTS.errors, { min: 0.0001, max: 0.5 }),
      requests: number('MIN_EFFECT_REQUESTS', DEFAULT_EFFECTS.requests, { min: 1, max: 1e6 }),
    }),
    calendar: readCalendar(text('CALENDAR_FILE', '', FILE, 'a file'), zone),
    trainEveryMs: readPeriod('TRAIN_EVERY', text('TRAIN_EVERY', '24h', ANY, PERIODS)),
    watch: oneOf('WATCH', WATCH_CHOICES, 'auto'),
    watchDelayMs: 1000 * number('WATCH_DELAY_SECONDS', 5, { min: 0, max: 900 }),
    prometheus: prometheusConfig(
      {
        url: text('PROMETHEUS_URL', '', ANY, 'an address'),
        token: text('PROMETHEUS_TOKEN', '', ANY, 'a token'),
        tokenFile: text('PROMETHEUS_TOKEN_FILE', '', FILE, 'a file'),
        preset: text('PROMETHEUS_PRESET', '', ANY, 'a preset'),
        queries: text('PROMETHEUS_QUERIES', '', ANY, 'a JSON object or a file'),
        selector: text('PROMETHEUS_SELECTOR', '', /^[^]{0,1000}$/, 'label matchers of up to 1000 characters'),
        source: text('PROMETHEUS_SOURCE', '', /^.{0,200}$/, 'a name of up to 200 characters'),
        window: number('PROMETHEUS_WINDOW', 0, { min: 0, max: 3600, integer: true }),
      },
      (variable, given, allowed) => new ConfigError(variable, given, allowed),
    ),
    notifications: notificationConfig({
      alertmanagerUrl: text('ALERTMANAGER_URL', '', ANY, 'addresses'),
      alertmanagerTokenFile: text('ALERTMANAGER_TOKEN_FILE', '', FILE, 'a file'),
      webhookUrls: text('WEBHOOK_URLS', '', ANY, 'addresses'),
      webhookSecret: text('WEBHOOK_SECRET', '', ANY, 'a secret'),
      webhookSecretFile: text('WEBHOOK_SECRET_FILE', '', FILE, 'a file'),
      publicUrl: text('PUBLIC_URL', '', ANY, 'an address'),
    }),
  })
}

/** What prometheusConfig checks. Its errors show no secrets. */
const ANY = /^[^]*$/

/** The path of a file, or none. */
const FILE = /^[^\0]{0,1000}$/

const ZONES = 'the name of a time zone, as UTC or Europe/Berlin'
/** PostgreSQL reads an offset such as +02:00 the other way round. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/

function timeZone(variable: string, name: string): string {
  try {
    localTimeOf(name)
    return name
  } catch {
    throw new ConfigError(variable, name, ZONES)
  }
}

const PERIODS = 'off, or a period from 1h to 90d in minutes, hours or days, as 90m, 24h or 7d'

const UNITS = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS } as const

/** A period in ms; null when it is off. */
function readPeriod(variable: string, given: string): number | null {
  if (given.toLowerCase() === 'off') return null
  const [, count, unit] = /^(\d{1,6})([mhd])$/i.exec(given) ?? []
  const periodMs = Number(count) * UNITS[(unit?.toLowerCase() ?? 'm') as keyof typeof UNITS]
  if (periodMs >= HOUR_MS && periodMs <= 90 * DAY_MS) return periodMs
  throw new ConfigError(variable, given, PERIODS)
}

const TIER_TABLE =
  'a JSON object, or the file of one: {"partner": {"multiplier": 3, "limit": 900, "burst": 2}, …}'

/** The tiers, with those of a JSON text or of a file. */
function readTiers(given: string): TierTable {
  if (given === '') return TIERS
  try {
    return parseTiers(JSON.parse(given.startsWith('{') ? given : readFileSync(given, 'utf8')))
  } catch (error) {
    throw new ConfigError('TIERS', given.slice(0, 200), `${TIER_TABLE} (${reasonOf(error)})`)
  }
}

const PATH_RULES =
  'a JSON object, or the file of one: {"templates": ["/shop/{category}/{item}"], "ignore": ["/health"], …}'

/** The rules of a JSON text or of a file; `openapi` is the path of a file of JSON or YAML, relative to that. */
function readPathRules(given: string): PathRules {
  if (given === '') return NO_RULES
  try {
    const isText = given.trimStart().startsWith('{')
    const folder = isText ? '.' : dirname(given)
    return parsePathRules(JSON.parse(isText ? given : readFileSync(given, 'utf8')), (reference) => {
      return readOpenApi(readFileSync(resolve(folder, reference), 'utf8'))
    })
  } catch (error) {
    throw new ConfigError('PATH_RULES', given.slice(0, 200), `${PATH_RULES} (${reasonOf(error)})`)
  }
}

const reasonOf = (error: unknown) => (error as Error).message.replace(/\s+/g, ' ').slice(0, 200)

/** The entries of the file; none without one. */
function readCalendar(file: string, timeZone: string): readonly CalendarEntry[] {
  if (file === '') return []
  try {
    return Object.freeze(parseCalendar(JSON.parse(readFileSync(file, 'utf8')), timeZone))
  } catch (error) {
    throw new ConfigError(
      'CALENDAR_FILE',
      file,
      `a JSON file with a list of {"from", "to", "reason"} (${reasonOf(error)})`,
    )
  }
}

/** The environment of the process. The file .env of the working directory adds variables that are not set. */
export function processEnvironment(): Environment {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return process.env
}

/** `fastify.config`: the frozen configuration. Its folders exist. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    await ensureFolder('DATA_PATH', config.dataPath)
    await ensureFolder('MODEL_PATH', config.modelPath)
    app.decorate('config', config)
  },
  { name: 'config' },
)
