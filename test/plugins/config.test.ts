import { POSTGRES_VARIABLES } from './postgres-variables.js'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { TIERS } from '../../models/rate-limit/tiers.js'
import { NO_RULES } from '../../models/traffic/path-rules.js'
import { loadConfig } from '../../plugins/config.js'

t.test('an empty environment gives the documented defaults', async (t) => {
  t.same(loadConfig({}), {
    host: '127.0.0.1',
    port: 5000,
    access: { keys: [], keysFile: null, tokens: null },
    tls: null,
    callers: { rateLimit: 60_000, trustedProxies: [] },
    workers: Math.max(1, availableParallelism() - 1),
    auditDays: 365,
    tracing: null,
    database: { mode: 'embedded' },
    modelPath: resolve('./data/models'),
    dataPath: resolve('./data'),
    contamination: 0.1,
    alarmBudget: 0.5,
    anomalyThreshold: -0.5,
    logLevel: 'info',
    corsOrigins: [],
    publicHosts: [],
    trafficDatabase: null,
    trafficTable: 'auto',
    trafficTimeZone: 'UTC',
    tiers: TIERS,
    pathRules: NO_RULES,
    scoringEngine: 'auto',
    retentionDays: 90,
    ipv6Prefix: 64,
    lookBackMinutes: 60,
    timeZone: 'UTC',
    effects: { traffic: 0.25, latency: 0.25, latencyMs: 5, errors: 0.015, requests: 10 },
    calendar: [],
    trainEveryMs: 86_400_000,
    watch: 'auto',
    watchDelayMs: 5_000,
    prometheus: null,
    notifications: {
      ...{ alertmanagers: [], alertmanagerTokenFile: null, webhooks: [], webhookKeys: [], publicUrl: null },
    },
  })
})

t.test('an empty value is no value', async (t) => {
  t.same(loadConfig({ POSTGRES_HOST: '', CONTAMINATION: '', LOG_LEVEL: ' ' }), loadConfig({}))
})

t.test('any POSTGRES_ variable means a server, with the old defaults for the rest', async (t) => {
  const server = {
    mode: 'server',
    host: 'localhost',
    port: 5432,
    database: 'aegis',
    user: 'aegis_user',
    password: 'dev_password',
  }
  t.same(loadConfig({ POSTGRES_PORT: '5432' }).database, server)
  t.same(loadConfig({ POSTGRES_HOST: 'db', POSTGRES_PASSWORD: ' a b ' }).database, {
    ...server,
    host: 'db',
    password: ' a b ',
  })
})

t.test('TRAFFIC_POSTGRES_ variables name another database, by the same rules', async (t) => {
  const traffic = (environment: Record<string, string>) => loadConfig(environment).trafficDatabase
  t.equal(traffic({ POSTGRES_HOST: 'db' }), null)
  const server = { host: 'replica', port: 5432, database: 'aegis', user: 'aegis_user', password: 'p' }
  t.same(traffic({ TRAFFIC_POSTGRES_HOST: 'replica', TRAFFIC_POSTGRES_PASSWORD: 'p' }), server)
  const url = 'postgres://aegis_user:p@replica/aegis?sslmode=require'
  t.same(traffic({ TRAFFIC_POSTGRES_URL: url }), { ...server, tls: { verify: 'nothing' } })
  t.equal(loadConfig({ TRAFFIC_POSTGRES_HOST: 'replica' }).database.mode, 'embedded')
  t.throws(() => traffic({ TRAFFIC_POSTGRES_PORT: 'x' }), /^TRAFFIC_POSTGRES_PORT is /)
})

t.test('TIERS is a JSON text or a file, and adds to the tiers that every gateway has', async (t) => {
  const text =
    '{"Partner": {"multiplier": 3, "limit": 900, "burst": 2}, "free": {"multiplier": 0.1, "limit": 5}}'
  const partner = { name: 'partner', multiplier: 3, untrainedLimit: 900, untrainedBurst: 2 }
  const free = { name: 'free', multiplier: 0.1, untrainedLimit: 5, untrainedBurst: 1.5 }
  t.same(loadConfig({ TIERS: text }).tiers, { ...TIERS, partner, free })
  const file = join(t.testdir({ 'tiers.json': text }), 'tiers.json')
  t.same(loadConfig({ TIERS: file }).tiers, { ...TIERS, partner, free })
})

t.test('a URL names the server, and the variables that are set take precedence over its parts', async (t) => {
  const url = 'postgresql://me:p%40ss@db.example:6432/traffic?sslmode=require'
  const server = { mode: 'server', host: 'db.example', port: 6432, database: 'traffic', user: 'me' }
  const tls = { verify: 'nothing' }
  t.same(loadConfig({ POSTGRES_URL: url }).database, { ...server, password: 'p@ss', tls })
  const others = { POSTGRES_HOST: 'other', POSTGRES_SSL: 'false', POSTGRES_PASSWORD: 'x' }
  t.same(loadConfig({ POSTGRES_URL: url, ...others }).database, { ...server, host: 'other', password: 'x' })
  for (const bad of ['mysql://me:secret@db/x', 'secret', 'postgres://me:secret@db:port/x']) {
    t.throws(
      () => loadConfig({ POSTGRES_URL: bad }),
      /^POSTGRES_URL is "\(not shown\)"; allowed is postgres:/,
    )
  }
  t.throws(() => loadConfig({ POSTGRES_URL: 'postgres://db/x?sslmode=prefer' }), /sslmode .* is "prefer"/)
})

t.test('secrets may come from files', async (t) => {
  const directory = t.testdir({
    password: 'from a file\n',
    url: 'postgres://me:a@db/x',
    empty: '',
    ca: 'no PEM',
  })
  const database = (environment: Record<string, string>) => loadConfig(environment).database
  t.match(database({ POSTGRES_PASSWORD_FILE: `${directory}/password` }), { password: 'from a file' })
  t.match(database({ POSTGRES_URL_FILE: `${directory}/url` }), { host: 'db', user: 'me', password: 'a' })
  t.throws(
    () => database({ POSTGRES_PASSWORD_FILE: `${directory}/none` }),
    /^POSTGRES_PASSWORD_FILE is .* can read/,
  )
  t.throws(() => database({ POSTGRES_PASSWORD_FILE: `${directory}/empty` }), /not empty/)
  const encrypted = { POSTGRES_HOST: 'db', POSTGRES_SSL: 'require', POSTGRES_SSL_CA: `${directory}/ca` }
  t.throws(() => database(encrypted), /^POSTGRES_SSL_CA is .* PEM format/)
})

t.test('FLASK_DEBUG is another name of LOG_LEVEL=debug, which wins', async (t) => {
  t.equal(loadConfig({ FLASK_DEBUG: 'True' }).logLevel, 'debug')
  t.equal(loadConfig({ FLASK_DEBUG: 'true', LOG_LEVEL: 'warn' }).logLevel, 'warn')
})

t.test('a bad value is named in one line with what was given and what is allowed', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['ML_SERVICE_PORT', '70000', /^ML_SERVICE_PORT is "70000"; allowed is a whole number from 0 to 65535\.$/],
    ['ML_SERVICE_PORT', 'http', /^ML_SERVICE_PORT is "http"/],
    ['ML_SERVICE_PORT', '0x50', /^ML_SERVICE_PORT is "0x50"/],
    ['ML_SERVICE_PORT', '50.5', /^ML_SERVICE_PORT is "50.5"/],
    ['ML_SERVICE_HOST', 'a b', /^ML_SERVICE_HOST is "a b"; allowed is a host name/],
    ['POSTGRES_PORT', '0', /^POSTGRES_PORT is "0"; allowed is a whole number from 1 to 65535\.$/],
    ['CONTAMINATION', '0', /^CONTAMINATION is "0"; allowed is a number above 0, up to 0\.5\.$/],
    ['CONTAMINATION', '0.6', /^CONTAMINATION is "0.6"/],
    ['ALARM_BUDGET', '0', /^ALARM_BUDGET is "0"; allowed is a number from 0.01 to 1000\.$/],
    ['CONTAMINATION', 'NaN', /^CONTAMINATION is "NaN"/],
    ['ANOMALY_THRESHOLD', '0.5', /^ANOMALY_THRESHOLD is "0.5"; allowed is a number from -1 to 0\.$/],
    [
      'LOG_LEVEL',
      'loud',
      /^LOG_LEVEL is "loud"; allowed is one of fatal, error, warn, info, debug, trace, silent\.$/,
    ],
    [
      'TRAFFIC_TABLE',
      'users; drop table users',
      /^TRAFFIC_TABLE is .*; allowed is one of auto, request_logs, request_metrics\.$/,
    ],
    ['SCORING_ENGINE', 'gpu', /^SCORING_ENGINE is "gpu"; allowed is one of auto, kernel, tensor\.$/],
    ['FLASK_DEBUG', 'perhaps', /^FLASK_DEBUG is "perhaps"/],
    ['DATA_PATH', 'x'.repeat(2000), /^DATA_PATH is "x+"; allowed is a folder/],
    [
      'TRAFFIC_TIME_ZONE',
      'Mars/Olympus',
      /^TRAFFIC_TIME_ZONE is "Mars.Olympus"; allowed is the name of a time zone/,
    ],
    ['TRAFFIC_TIME_ZONE', '+02:00', /^TRAFFIC_TIME_ZONE is "\+02:00"; allowed is the name of a time zone/],
    [
      'TIERS',
      '{"gold": {"multiplier": 0, "limit": 5}}',
      /^TIERS is .*multiplier of gold is 0; allowed is a number from 0.001/,
    ],
    ['TIERS', '{"gold": {"multiplier": 2}}', /limit of gold is missing/],
    ['TIERS', '{"": {"multiplier": 2, "limit": 9}}', /the name "" is not 1 to 32 characters/],
    ['TIERS', '/nowhere/tiers.json', /^TIERS is .*ENOENT/],
    ['LOG_LEVEL', 'a\nb', /^LOG_LEVEL is "a\\nb"/],
  ]
  for (const [name, value, message] of cases) {
    t.throws(() => loadConfig({ [name]: value }), message, `${name}=${value.slice(0, 20)}`)
  }
})

t.test('.env.example and the README name every variable, and the example is the defaults', async (t) => {
  const source = await readFile('plugins/config.ts', 'utf8')
  const names = new Set(source.match(/'[A-Z]+(?:_[A-Z]+)+'/g)!.map((each) => each.slice(1, -1)))
  for (const name of POSTGRES_VARIABLES) names.add(`POSTGRES_${name}`).add(`TRAFFIC_POSTGRES_${name}`)
  for (const constant of ['LOG_LEVELS', 'TRAFFIC_TABLES', 'TABLE_CHOICES', 'ENGINE_CHOICES'])
    names.delete(constant)
  const example = await readFile('.env.example', 'utf8')
  const readme = await readFile('README.md', 'utf8')
  for (const name of names) {
    t.match(example, new RegExp(`^#?${name}=`, 'm'), name)
    t.match(readme, name.startsWith('POSTGRES_') ? `_${name.slice(9)}` : name, name)
  }
  const values = [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  t.same(loadConfig(Object.fromEntries(values)), loadConfig({}))
})

t.test('names and origins are lists, and a certificate comes with its key', async (t) => {
  const { publicHosts, corsOrigins } = loadConfig({
    PUBLIC_HOSTS: ' ML, *.Internal.example,,aegis_ml ,',
    CORS_ORIGINS: 'https://dash.example, http://localhost:3000',
  })
  t.same(publicHosts, ['ml', '*.internal.example', 'aegis_ml'])
  t.same(corsOrigins, ['https://dash.example', 'http://localhost:3000'])
  for (const [environment, message] of [
    [{ PUBLIC_HOSTS: 'aegis.example:5000' }, /^PUBLIC_HOSTS is .*without ports/],
    [{ PUBLIC_HOSTS: 'https://aegis.example' }, /^PUBLIC_HOSTS is/],
    [{ PUBLIC_HOSTS: 'a.*.example' }, /^PUBLIC_HOSTS is/],
    [{ PUBLIC_HOSTS: Array(101).fill('a').join() }, /^PUBLIC_HOSTS is/],
    [{ CORS_ORIGINS: 'null' }, /^CORS_ORIGINS is/],
    [{ CORS_ORIGINS: 'https://dash.example/' }, /^CORS_ORIGINS is/],
    [{ ML_SERVICE_TLS_CERT_FILE: 'package.json' }, /^ML_SERVICE_TLS_KEY_FILE is ""/],
    [{ ML_SERVICE_TLS_KEY_FILE: 'package.json' }, /^ML_SERVICE_TLS_CERT_FILE is ""/],
    [
      { ML_SERVICE_TLS_CERT_FILE: 'package.json', ML_SERVICE_TLS_KEY_FILE: 'package.json' },
      /^ML_SERVICE_TLS_CERT_FILE is "package.json"; allowed is a PEM file/,
    ],
  ] as const)
    t.throws(() => loadConfig(environment), { message })
})
