import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import fp from 'fastify-plugin'
import { parseCalendar, type CalendarEntry } from '../models/anomaly/calendar.js'
import { DEFAULT_EFFECTS, type LeastEffects } from '../models/anomaly/effects.js'
import { localTimeOf } from '../models/seasonality/local-time.js'

export type LogLevel = (typeof LOG_LEVELS)[number]
export type TrafficTable = (typeof TRAFFIC_TABLES)[number]
export type EngineChoice = (typeof ENGINE_CHOICES)[number]
export type DatabaseConfig =
  | { readonly mode: 'embedded' }
  | {
      readonly mode: 'server'
      readonly host: string
      readonly port: number
      readonly database: string
      readonly user: string
      readonly password: string
    }

export interface Config {
  readonly host: string
  readonly port: number
  readonly database: DatabaseConfig
  /** Absolute paths. */
  readonly modelPath: string
  readonly dataPath: string
  readonly contamination: number
  readonly anomalyThreshold: number
  readonly logLevel: LogLevel
  /** Origins whose pages may call the service; `*` is any. */
  readonly corsOrigins: readonly string[]
  readonly trafficTable: TrafficTable
  readonly scoringEngine: EngineChoice
  /** How long the rollups of the traffic are kept. */
  readonly retentionDays: number
  /** How far back the rollups look for late rows. */
  readonly lookBackMinutes: number
  /** IANA name of the time zone that the traffic follows. */
  readonly timeZone: string
  /** Smaller deviations never count as anomalies. */
  readonly effects: LeastEffects
  /** Known holidays and maintenance: left out of training, and not judged. */
  readonly calendar: readonly CalendarEntry[]
}

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const TRAFFIC_TABLES = ['request_logs', 'request_metrics'] as const
const ENGINE_CHOICES = ['auto', 'kernel', 'tensor'] as const
const POSTGRES_VARIABLES = [
  'POSTGRES_HOST',
  'POSTGRES_PORT',
  'POSTGRES_DB',
  'POSTGRES_USER',
  'POSTGRES_PASSWORD',
]

/** A bad value in the environment. The message is one line: the variable, what was given, what is allowed. */
export class ConfigError extends Error {
  constructor(variable: string, given: string, allowed: string) {
    super(`${variable} is ${JSON.stringify(given)}; allowed is ${allowed}.`)
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The typed configuration of an environment. A variable that is empty counts as not set.
 * @throws ConfigError on the first bad value
 */
export function loadConfig(environment: Environment): Config {
  const { text, number, oneOf } = reader(environment)
  const isSet = (name: string) => (environment[name] ?? '') !== ''
  const debug = oneOf('FLASK_DEBUG', ['true', 'false', '1', '0'], 'false')
  const zone = timeZone(text('TIME_ZONE', 'UTC', /^.{1,64}$/, ZONES))
  return Object.freeze({
    host: text('ML_SERVICE_HOST', '127.0.0.1', /^[^\s/]{1,255}$/, 'a host name or an IP address'),
    port: number('ML_SERVICE_PORT', 5000, { min: 0, max: 65535, integer: true }),
    database: Object.freeze(
      POSTGRES_VARIABLES.some(isSet)
        ? {
            mode: 'server' as const,
            host: text('POSTGRES_HOST', 'localhost', /^\S{1,255}$/, 'a host name or an IP address'),
            port: number('POSTGRES_PORT', 5432, { min: 1, max: 65535, integer: true }),
            database: text('POSTGRES_DB', 'aegis', /^.{1,63}$/, 'a database name of 1 to 63 characters'),
            user: text('POSTGRES_USER', 'aegis_user', /^.{1,63}$/, 'a user name of 1 to 63 characters'),
            password: environment['POSTGRES_PASSWORD'] || 'dev_password',
          }
        : { mode: 'embedded' as const },
    ),
    modelPath: resolve(text('MODEL_PATH', './data/models', /^[^\0]{1,1000}$/, 'a folder')),
    dataPath: resolve(text('DATA_PATH', './data', /^[^\0]{1,1000}$/, 'a folder')),
    contamination: number('CONTAMINATION', 0.1, { above: 0, max: 0.5 }),
    anomalyThreshold: number('ANOMALY_THRESHOLD', -0.5, { min: -1, max: 0 }),
    logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, debug === 'true' || debug === '1' ? 'debug' : 'info'),
    corsOrigins: origins(text('CORS_ORIGINS', '', ORIGIN_LIST, ORIGINS)),
    trafficTable: oneOf('TRAFFIC_TABLE', TRAFFIC_TABLES, 'request_logs'),
    scoringEngine: oneOf('SCORING_ENGINE', ENGINE_CHOICES, 'auto'),
    retentionDays: number('RETENTION_DAYS', 90, { min: 1, max: 3650, integer: true }),
    lookBackMinutes: number('LOOK_BACK_MINUTES', 60, { min: 0, max: 10080, integer: true }),
    timeZone: zone,
    effects: Object.freeze({
      traffic: number('MIN_EFFECT_TRAFFIC', DEFAULT_EFFECTS.traffic, { min: 0.01, max: 10 }),
      latency: number('MIN_EFFECT_LATENCY', DEFAULT_EFFECTS.latency, { min: 0.01, max: 10 }),
      latencyMs: number('MIN_EFFECT_LATENCY_MS', DEFAULT_EFFECTS.latencyMs, { min: 0.001, max: 60_000 }),
      errors: number('MIN_EFFECT_ERROR_RATE', DEFAULT_EFFECTS.errors, { min: 0.0001, max: 0.5 }),
      requests: number('MIN_EFFECT_REQUESTS', DEFAULT_EFFECTS.requests, { min: 1, max: 1e6 }),
    }),
    calendar: readCalendar(text('CALENDAR_FILE', '', /^[^\0]{0,1000}$/, 'a file'), zone),
  })
}

const ORIGIN = String.raw`(?:\*|https?://[^\s/,?#@]{1,255})`
const ORIGIN_LIST = new RegExp(`^(?:${ORIGIN}(?:\\s*,\\s*${ORIGIN}){0,99})?$`)
const ORIGINS = 'a list of origins with commas, as https://dash.example,http://localhost:3000, or *'

function origins(list: string): readonly string[] {
  return Object.freeze(list.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()])))
}

const ZONES = 'the name of a time zone, as UTC or Europe/Berlin'

function timeZone(name: string): string {
  try {
    localTimeOf(name)
    return name
  } catch {
    throw new ConfigError('TIME_ZONE', name, ZONES)
  }
}

/** The entries of the file; none without one. */
function readCalendar(file: string, timeZone: string): readonly CalendarEntry[] {
  if (file === '') return []
  try {
    return Object.freeze(parseCalendar(JSON.parse(readFileSync(file, 'utf8')), timeZone))
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ').slice(0, 200)
    throw new ConfigError(
      'CALENDAR_FILE',
      file,
      `a JSON file with a list of {"from", "to", "reason"} (${reason})`,
    )
  }
}

/** The environment of the process. The file .env of the working directory adds variables that are not set. */
export function processEnvironment(): Environment {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return process.env
}

interface Range {
  min?: number
  above?: number
  max: number
  integer?: boolean
}

function reader(environment: Environment) {
  const read = (name: string): string | undefined => {
    const value = environment[name]?.trim()
    return value === '' ? undefined : value
  }
  return {
    text(name: string, fallback: string, pattern: RegExp, allowed: string): string {
      const value = read(name) ?? fallback
      if (!pattern.test(value)) throw new ConfigError(name, value, allowed)
      return value
    },
    number(name: string, fallback: number, { min, above, max, integer = false }: Range): number {
      const given = read(name)
      if (given === undefined) return fallback
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given) ? Number(given) : NaN
      const tooLow = above === undefined ? value < min! : value <= above
      if (Number.isNaN(value) || tooLow || value > max || (integer && !Number.isInteger(value))) {
        const kind = integer ? 'a whole number' : 'a number'
        const range = above === undefined ? `from ${min} to ${max}` : `above ${above}, up to ${max}`
        throw new ConfigError(name, given, `${kind} ${range}`)
      }
      return value
    },
    oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
      const given = read(name)?.toLowerCase()
      if (given === undefined) return fallback
      const match = allowed.find((value) => value === given)
      if (match === undefined) throw new ConfigError(name, environment[name]!, `one of ${allowed.join(', ')}`)
      return match
    },
  }
}

/** @throws ConfigError when a folder does not exist and cannot be made, or cannot be written */
function ensureFolder(variable: string, path: string): void {
  try {
    if (!existsSync(path)) makeFolder(path)
    readdirSync(path)
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(variable, path, `a folder that the service can make and write (${code})`)
  }
}

/** As mkdirSync with `recursive`, which never returns on a file system without mkdir (/proc). */
function makeFolder(path: string): void {
  const parent = dirname(path)
  if (!existsSync(parent)) makeFolder(parent)
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another service was first
  }
}

/** `fastify.config`: the frozen configuration. Its folders exist. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    ensureFolder('DATA_PATH', config.dataPath)
    ensureFolder('MODEL_PATH', config.modelPath)
    app.decorate('config', config)
  },
  { name: 'config' },
)
