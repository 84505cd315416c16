import t from 'tap'
import { createHostList, hostNameOf } from '../../../plugins/http/host-names.js'

t.test('the host of an authority has no port, no dot at its end and no capitals', async (t) => {
  for (const [authority, host] of [
    ['localhost', 'localhost'],
    ['LocalHost:5000', 'localhost'],
    ['localhost.:5000', 'localhost'],
    ['localhost:', 'localhost'],
    ['Aegis-ML.Example.:443', 'aegis-ml.example'],
    ['ml_service:5000', 'ml_service'],
    ['127.0.0.1:5000', '127.0.0.1'],
    ['[::1]:5000', '::1'],
    ['[::FFFF:127.0.0.1]', '::ffff:127.0.0.1'],
  ] as const)
    t.equal(hostNameOf(authority), host, authority)
})

t.test('what is no authority has no host', async (t) => {
  for (const authority of [
    ...['', ' ', ':5000', '.', '..', 'localhost..', 'a..b', '::1', '[::1', '::1]', '[]', '[localhost]'],
    ...[
      'localhost@evil.example',
      'evil.example@localhost',
      'user:localhost@evil.example',
      'localhost:80@evil',
    ],
    ...[
      'localhost/evil',
      'localhost#evil',
      'localhost?evil',
      'localhost,evil.example',
      'localhost evil.example',
    ],
    ...[
      'localhost:123456',
      'localhost:80:80',
      'localhost%00.evil',
      'localhost\\evil',
      'lócalhost',
      'x'.repeat(70),
    ],
    ...['a.'.repeat(40) + 'a', 'a'.repeat(100_000)],
  ])
    t.equal(hostNameOf(authority), null, JSON.stringify(authority.slice(0, 50)))
})

t.test('loopback names, addresses and the names of the list are ours', async (t) => {
  const isOurs = createHostList(['ml', 'aegis.example', '*.internal.example'])
  for (const host of [
    ...['localhost', 'app.localhost', '127.0.0.1', '10.1.2.3', '::1', '2001:db8::1'],
    ...['ml', 'aegis.example', 'a.internal.example', 'a.b.internal.example'],
  ])
    t.ok(isOurs(host), host)
  for (const host of [
    ...[
      'evil.example',
      'localhost.evil.example',
      'evillocalhost',
      '127.0.0.1.evil.example',
      'ml.evil.example',
    ],
    // Not addresses as browsers write them, so they are names.
    ...['127.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.0.0.1.nip.io'],
    ...[
      'internal.example',
      'evilinternal.example',
      'a.internal.example.evil.example',
      'sub.aegis.example',
      '',
    ],
  ])
    t.notOk(isOurs(host), host)
})

t.test('an asterisk makes every name ours', async (t) => {
  t.ok(createHostList(['*'])('evil.example'))
})
