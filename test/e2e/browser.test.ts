import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { databaseEnvironment, testDatabase, testDirectory } from '../postgres.js'
import { startService, type ServiceProcess } from './process.js'

const EXECUTABLE = '/usr/bin/chromium'

/** Names that lead to this machine, as a name server may say. */
const EVIL = 'evil.example'
const DASHBOARD = 'dash.example'

const MAX_WAIT_MS = 60_000

interface Logged {
  reqId?: string
  req?: { method: string; url: string; host: string }
  res?: { statusCode: number }
}

t.test('a real browser beside a service without keys', { skip: missingProgram('chromium') }, async (t) => {
  const pages = await servePages(t)
  const dashboard = `http://${DASHBOARD}:${pages}`
  const { service, folder } = await startFor(t, dashboard)
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      ...['--no-sandbox', '--host-resolver-rules=MAP *.example 127.0.0.1'],
      // The service protects itself, from browsers without this too.
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
    ],
  })
  t.teardown(() => browser.close())
  const { port } = new URL(service.url)

  for (const [what, origin] of [
    ['a page of another site', `http://${EVIL}:${pages}`],
    ['a page of another port of the same host', `http://127.0.0.1:${pages}`],
  ] as const) {
    await t.test(`${what} carries out nothing and reads nothing`, async (t) => {
      const since = requestsOf(service).length
      const page = await openPage(browser, origin)
      const read = await page.evaluate(`attack('${service.url}')`)
      t.same(read, {}, 'nothing is read')
      await submitForm(page, `${service.url}/generate/synthetic`)
      const sent = await settledRequests(service, since)
      for (const path of ['/model/reset', '/train/synthetic', '/generate/synthetic', '/incidents/stream'])
        t.ok(
          sent.some(({ url }) => url === path),
          `${path} has arrived`,
        )
      for (const { method, url, status } of sent) t.equal(status, 403, `${method} ${url}`)
      t.notOk(existsSync(join(folder, 'synthetic_training_data.csv')), 'nothing is written')
      await page.close()
    })
  }

  await t.test('a name that was pointed at the service (DNS rebinding) reaches nothing', async (t) => {
    const since = requestsOf(service).length
    const page = await browser.newPage()
    // The first page comes from the attacker, before the name is pointed at the service.
    const itsPage = { contentType: 'text/html', body: '<!doctype html><title>page</title>' }
    await page.route(`http://${EVIL}:${port}/page`, (route) => route.fulfill(itsPage))
    await page.goto(`http://${EVIL}:${port}/page`)
    const answers = await page.evaluate(() => {
      const ask = async (method: string, path: string) => {
        const response = await fetch(path, { method })
        return [response.status, ((await response.json()) as { code: string }).code]
      }
      return Promise.all([ask('GET', '/model/info'), ask('POST', '/generate/synthetic')])
    })
    t.same(answers, Array(2).fill([403, 'HOST_NOT_ALLOWED']))
    for (const { method, url, status } of await settledRequests(service, since))
      t.equal(status, 403, `${method} ${url}`)
    t.notOk(existsSync(join(folder, 'synthetic_training_data.csv')))
    await page.close()
  })

  await t.test('a page of a listed origin works, and a link from anywhere', async (t) => {
    const page = await openPage(browser, dashboard)
    const statuses = await page.evaluate(async (service) => {
      const headers = { 'content-type': 'application/json', 'x-api-key': 'any', authorization: 'Bearer any' }
      const body = JSON.stringify({ duration_hours: 1 })
      const written = await fetch(`${service}/generate/synthetic`, { method: 'POST', headers, body })
      const data = (await written.json()) as { success: boolean }
      return [written.status, data.success, (await fetch(`${service}/version`)).status]
    }, service.url)
    t.same(statuses, [200, true, 200])
    t.match(await readFile(join(folder, 'synthetic_training_data.csv'), 'utf8'), /^timestamp,/)
    await page.setContent(`<a href="${service.url}/version">the service</a>`)
    await Promise.all([page.waitForURL(`${service.url}/version`), page.click('a')])
    t.match(await page.textContent('body'), 'aegis-ml')
    await page.close()
  })

  await t.test('the documentation works without a complaint of the browser', async (t) => {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', ({ message }) => complaints.push(message))
    await page.goto(`${service.url}/docs/`)
    const operation = page.locator('#operations-health-getVersion')
    await operation.locator('.opblock-summary-control').click()
    await operation.locator('button.execute').click()
    t.match(
      await operation.locator('.live-responses-table .highlight-code').first().textContent(),
      'aegis-ml',
    )
    t.same(complaints, [])
    await page.close()
  })
})

/** The same page under any name: empty, with the function `attack`. */
async function servePages(t: Test): Promise<number> {
  const script = await readFile('test/e2e/pages/attacking-page.js', 'utf8')
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><title>page</title><body><script>${script}</script></body>`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function startFor(t: Test, origin: string): Promise<{ service: ServiceProcess; folder: string }> {
  const { connection } = await testDatabase(t)
  const folder = await testDirectory(t)
  const service = await startService(t, {
    ...databaseEnvironment(connection),
    ...{ DATA_PATH: folder, MODEL_PATH: join(folder, 'models'), LOG_LEVEL: 'info', WATCH: 'off' },
    CORS_ORIGINS: origin,
  })
  return { service, folder }
}

async function openPage(browser: Browser, origin: string): Promise<Page> {
  const page = await browser.newPage()
  page.setDefaultTimeout(MAX_WAIT_MS)
  await page.goto(origin)
  return page
}

/** A form needs no script that runs, and takes the browser to the answer. */
async function submitForm(page: Page, action: string): Promise<void> {
  await page.setContent(`<form method="post" action="${action}"><button>Win</button></form>`)
  await Promise.all([page.waitForURL(action), page.click('button')])
}

/** The requests in the log of the service, with the status of those that are answered. */
function requestsOf({ output }: ServiceProcess) {
  const lines = output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Logged)
  const statuses = new Map(lines.filter(({ res }) => res).map(({ reqId, res }) => [reqId, res!.statusCode]))
  return lines.flatMap(({ reqId, req }) => (req ? [{ ...req, status: statuses.get(reqId) }] : []))
}

/** Those from one on, when all that were sent are answered. */
async function settledRequests(service: ServiceProcess, since: number) {
  return eventually(
    async () => {
      const sent = requestsOf(service).slice(since)
      const isSettled = sent.length > 0 && sent.every(({ status }) => status !== undefined)
      return isSettled && sent
    },
    { what: 'an answer to each request' },
  )
}
