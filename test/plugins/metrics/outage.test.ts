import t from 'tap'
import { eventually } from '../../eventually.js'
import { testDatabase } from '../../postgres.js'
import { scrape } from '../../scrape.js'
import { testService } from '../../service.js'
import { switchableProxy } from '../switchable-proxy.js'

t.test('a scrape is answered while the database is away, or hangs', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  const service = await testService(t, {}, { sql, connection: { ...connection, port: proxy.port } })
  t.equal((await scrape(service)).value('aegis_ml_database_up{database="own"}'), 1)
  proxy.pause()
  const hanging = await eventually(async () => {
    const found = await scrape(service)
    return found.value('aegis_ml_database_up{database="own"}') === 0 && found
  })
  t.notMatch(hanging.text, /^aegis_ml_open_incidents\{/m, 'what is not known is absent')
  t.match(hanging.text, /^aegis_ml_http_requests_total\{/m, 'what is known is there')
  t.ok(hanging.value('aegis_ml_database_pool_wait_seconds') > 0.9)
  await proxy.close()
  t.equal((await scrape(service)).value('aegis_ml_database_up{database="own"}'), 0)
  proxy.resume()
  await proxy.open()
  await eventually(async () => /^aegis_ml_open_incidents\{/m.test((await scrape(service)).text), {
    what: 'the incidents, after the outage',
  })
})
