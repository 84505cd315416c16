import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../../plugins/config.js'
import { SECRET } from './receiver.js'

const load = (environment: Record<string, string>) => loadConfig(environment).notifications
const OTHER = `whsec_${Buffer.alloc(64, 7).toString('base64')}`

t.test('without variables nobody is told', async (t) => {
  t.strictSame(load({}), {
    ...{ alertmanagers: [], alertmanagerTokenFile: null, webhooks: [], webhookKeys: [], publicUrl: null },
  })
})

t.test('receivers are lists, with user and password as a header and out of the names', async (t) => {
  const { alertmanagers, webhooks, webhookKeys, publicUrl } = load({
    ALERTMANAGER_URL: 'http://me:p%40ss@one:9093/am/, http://two:9093',
    WEBHOOK_URLS: 'https://hooks.example/a?token=t',
    WEBHOOK_SECRET: `${SECRET} ${OTHER}`,
    PUBLIC_URL: 'https://aegis.example/ml/',
  })
  t.match(alertmanagers, [
    { url: 'http://one:9093/am', authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
    { url: 'http://two:9093', authorization: null, name: /^alertmanager:two:9093:[0-9a-f]{8}$/ },
  ])
  t.match(webhooks, [{ url: 'https://hooks.example/a?token=t', name: /^webhook:hooks.example:[0-9a-f]{8}$/ }])
  t.strictSame(
    webhookKeys.map(({ length }) => length),
    [31, 64],
  )
  t.equal(publicUrl, 'https://aegis.example/ml')
})

t.test('a secret may be in a file', async (t) => {
  const file = join(t.testdir(), 'secret')
  await writeFile(file, `${SECRET}\n`)
  t.equal(load({ WEBHOOK_URLS: 'http://a', WEBHOOK_SECRET_FILE: file }).webhookKeys.length, 1)
  await writeFile(file, '\n')
  t.throws(() => load({ WEBHOOK_URLS: 'http://a', WEBHOOK_SECRET_FILE: file }), /^WEBHOOK_SECRET_FILE is/)
  t.throws(() => load({ WEBHOOK_SECRET_FILE: '/no/such/file' }), /^WEBHOOK_SECRET_FILE is .* can read/)
})

t.test('a bad value stops the start by its variable, and no secret is shown', async (t) => {
  const webhook = { WEBHOOK_URLS: 'https://u:hidden@host/hidden' }
  const cases: [Record<string, string>, RegExp][] = [
    [{ ALERTMANAGER_URL: 'me:hidden@host' }, /^ALERTMANAGER_URL is/],
    [{ ALERTMANAGER_URL: 'ftp://me:hidden@host' }, /^ALERTMANAGER_URL is/],
    [{ ALERTMANAGER_URL: 'http://me:hidden%@host' }, /^ALERTMANAGER_URL is/],
    [{ ALERTMANAGER_URL: 'http://host/?hidden' }, /^ALERTMANAGER_URL is/],
    [{ ALERTMANAGER_URL: 'http://host, http://host/' }, /^ALERTMANAGER_URL is .*each once/],
    [{ ALERTMANAGER_URL: Array.from({ length: 21 }, (_, i) => `http://host${i}`).join() }, /at most 20/],
    [{ ALERTMANAGER_TOKEN_FILE: '/no/such/file' }, /^ALERTMANAGER_TOKEN_FILE is/],
    [webhook, /^WEBHOOK_SECRET is "".* with WEBHOOK_URLS whsec_/],
    [{ ...webhook, WEBHOOK_SECRET: 'hidden' }, /^WEBHOOK_SECRET is/],
    [
      { ...webhook, WEBHOOK_SECRET: `whsec_${Buffer.from('hidden').toString('base64')}` },
      /^WEBHOOK_SECRET is/,
    ],
    [{ ...webhook, WEBHOOK_SECRET: [SECRET, SECRET, SECRET, SECRET].join(' ') }, /^WEBHOOK_SECRET is/],
    [{ WEBHOOK_SECRET: SECRET, WEBHOOK_SECRET_FILE: '/hidden' }, /^WEBHOOK_SECRET is .* no value beside/],
    [{ WEBHOOK_URLS: 'hidden', WEBHOOK_SECRET: SECRET }, /^WEBHOOK_URLS is/],
    [{ PUBLIC_URL: 'aegis.example' }, /^PUBLIC_URL is "aegis.example"/],
    [{ PUBLIC_URL: 'https://me:hidden@aegis.example' }, /^PUBLIC_URL is/],
  ]
  for (const [environment, message] of cases) {
    t.throws(() => load(environment), { message }, JSON.stringify(environment).slice(0, 90))
    try {
      load(environment)
    } catch (error) {
      t.notMatch((error as Error).message, /hidden|\n|YSBrZXk/)
    }
  }
})
