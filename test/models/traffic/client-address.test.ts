import { isIP } from 'node:net'
import t from 'tap'
import fc from '../../properties.js'
import { clientAddress, clientNetwork } from '../../../models/traffic/client-address.js'

t.test('addresses, bare and as proxies write them', async (t) => {
  const expected: Readonly<Record<string, string | null>> = {
    '192.0.2.1': '192.0.2.1',
    '192.0.2.1:4711': '192.0.2.1',
    '192.0.2.1, 10.0.0.1': '192.0.2.1',
    '2001:db8::1': '2001:db8::1',
    '[2001:db8::1]:443, 10.0.0.1': '2001:db8::1',
    '[::1]': '::1',
    'fe80::1%eth0': 'fe80::1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '64:ff9b::192.0.2.1': '64:ff9b::192.0.2.1',
    'client.example.com': null,
    unknown: null,
    '-': null,
    '': null,
    '1.2.3': null,
    '1.2.3.256': null,
    '1.2.3.04': null,
    '1.2.3.4.5': null,
    '1..2.3': null,
    ':::': null,
    '1::2::3': null,
    '1:2:3:4:5:6:7:8:9': null,
  }
  for (const [text, address] of Object.entries(expected)) t.equal(clientAddress(text), address, text)
})

t.test('whatever passes is an address to others too, and addresses pass', async () => {
  const likely = fc.stringMatching(/^[\da-f:.]{1,24}$/)
  fc.assert(
    fc.property(fc.oneof(likely, fc.ipV4(), fc.ipV6()), (text) => {
      const address = clientAddress(text)
      if (address !== null) return isIP(address) !== 0
      return isIP(text) === 0
    }),
    { numRuns: 2000 },
  )
})

t.test('the addresses of an IPv6 network are one client', async (t) => {
  for (const [address, prefix, network] of [
    ['2001:db8::1:2', 64, '2001:db8::/64'],
    ['2001:db8:0:1:ffff::9', 64, '2001:db8:0:1::/64'],
    ['2001:DB8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:db8:abcd::1', 36, '2001:db8:a000::/36'],
    ['2001:db8:1:0:5:0:0:1', 96, '2001:db8:1:0:5::/96'],
    ['::1', 64, '::/64'],
    ['64:ff9b::192.0.2.33', 120, '64:ff9b::c000:200/120'],
    ['2001:db8::1', 128, '2001:db8::1'],
    ['192.0.2.1', 64, '192.0.2.1'],
    ['2001:db8::/64', 64, '2001:db8::/64'],
    ['ann', 64, 'ann'],
  ] as const) {
    t.equal(clientNetwork(address, prefix), network, `${address} ${prefix}`)
  }
})
