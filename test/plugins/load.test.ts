import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t from 'tap'
import { eventually } from '../eventually.js'
import { testService, trainOnSynthetic } from '../service.js'

t.test(
  'equal loads of the models at once all get the model, and what is answered is no longer in work',
  async (t) => {
    const service = await testService(t)
    await trainOnSynthetic(service, 6)
    const { app, get, post } = service
    const loads = await Promise.all(
      Array.from({ length: 50 }, () => post('/model/load', { models: ['anomaly'] })),
    )
    const version = app.models.active.anomaly!.version
    for (const { status, body } of loads)
      t.match(
        { status, body },
        { status: 200, body: { data: { anomaly_detector: { loaded: true, version } } } },
      )
    await Promise.all([
      ...['/', '/nowhere', '/incidents', '/incidents/7', '/endpoints', '/timeline', '/health/ready'].map(get),
      ...['/optimize/all', '/optimize', '/model/activate', '/detect'].map((url) => post(url, {})),
      app.inject({ method: 'HEAD', url: '/incidents' }),
    ])
    t.equal(app.load.inWork, 0)
  },
)

t.test('requests of a caller who leaves are not in work for ever, behind others neither', async (t) => {
  const { app } = await testService(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
  for (let i = 0; i < 10; i++) {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.write(['/incidents', '/incidents', '/endpoints', '/health'].map(request).join('').repeat(5))
    if (i % 2 === 0) await once(socket, 'data')
    socket.destroy()
  }
  await eventually(() => app.load.connections === 0 && app.load.inWork === 0, {
    what: 'the end of all requests',
  })
  const answer = await Promise.all(['/incidents', '/endpoints'].map((url) => app.inject(url)))
  t.same(
    answer.map(({ statusCode }) => statusCode),
    [200, 200],
    'their places are free',
  )
})
