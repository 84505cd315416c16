import t from 'tap'
import fc from '../../properties.js'
import { routeTemplate } from '../../../formats/otlp/route-template.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'

t.test('the parameters of every framework are {id}', async (t) => {
  for (const [route, template] of [
    ['/users/:userId/orders/{orderId:[0-9]+}', '/users/{id}/orders/{id}'],
    ['/users/:id(\\d+)', '/users/{id}'],
    ['/users/:id([0-9]*)', '/users/{id}'],
    ['/users/:id?', '/users/{id}'],
    ['/users/:id.json', '/users/{id}.json'],
    ['/flights/:from-:to', '/flights/{id}-{id}'],
    ['/rails/:id(.:format)', '/rails/{id}'],
    ['{controller}/{action}/{id?}', '/{id}/{id}/{id}'],
    ['/users/{id:[^/]+}', '/users/{id}'],
    ['/codes/{code:\\d{3}}', '/codes/{id}'],
    ['^users/(?P<pk>\\d+)/$', '/users/{id}/'],
    ['/users/<int:pk>', '/users/{id}'],
    ['/users/<pk>/', '/users/{id}/'],
    ['/health', '/health'],
    ['/v1/batches:run', '/v1/batches:run'],
    ['/odd/{open', '/odd/{open'],
  ] as const) {
    t.equal(routeTemplate(route), template, route)
  }
})

t.test('a route that takes any path names no endpoint', async (t) => {
  for (const route of [
    ...['', '/', '*', '/*', '/**', '/static/*', '/static/*path', '/static/{*path}', '/static/{**path}'],
    ...['/static/{path...}', '/static/{path:.*}', '/static/{path:.+}', '/static/{path:path}'],
    ...['/static/<path:rest>', '/static/:path*', '/static/:path+', '/'.padEnd(3000, 'a')],
  ]) {
    t.equal(routeTemplate(route), undefined, route)
  }
})

t.test('a template is the template of the paths of its route, and its own', async (t) => {
  const literal = fc.stringMatching(/^[a-z]{1,10}$/)
  const parameter = fc.constantFrom(':id', '{id}', '<id>', '{id:[0-9]+}')
  const value = fc.oneof(fc.nat().map(String), fc.uuid())
  const segment = fc.oneof(
    literal.map((text) => ({ route: text, path: text })),
    fc.tuple(parameter, value).map(([route, path]) => ({ route, path })),
  )
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
      const template = routeTemplate(segments.map(({ route }) => `/${route}`).join(''))!
      t.equal(template, pathTemplate(segments.map(({ path }) => `/${path}`).join('')))
      t.equal(pathTemplate(template), template)
    }),
  )
})

t.test('any text is a route that names no endpoint, or has a template that is its own', async () => {
  const text = fc.string({ unit: fc.constantFrom(...'/{}()<>:*+?\\[].a1^$-') })
  fc.assert(
    fc.property(text, (route) => {
      const template = routeTemplate(route)
      return template === undefined || pathTemplate(template) === template
    }),
    { numRuns: 2000 },
  )
})
