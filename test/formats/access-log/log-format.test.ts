import t from 'tap'
import { detectFormat as detect } from '../../../formats/access-log/log-format.js'

const detectFormat = (lines: string[], names = {}) => detect(lines, { names }).name
const common = '192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 200 512'
const vhost = `www.example.com:80 ${common}`
const json = '{"time":"2015-05-17T08:05:03Z","status":200,"path":"/"}'

t.test('the format that the lines are in, whatever stands between them', async (t) => {
  t.equal(detectFormat([common, 'rubbish'], {}), 'clf')
  t.equal(detectFormat(['rubbish', vhost, vhost], {}), 'vhost')
  t.equal(detectFormat(['# a header', json], {}), 'json')
  t.equal(
    detectFormat([common.replace('- -', '- ada lovelace')], {}),
    'clf',
    'a user with a space is no host',
  )
  t.equal(detectFormat(['{"when":1431849903,"status":200,"path":"/"}'], { timestamp: 'when' }), 'json')
})

t.test('what cannot be read is what it looks like', async (t) => {
  t.equal(detectFormat(['{"level":"info"}'], {}), 'json')
  t.equal(detectFormat(['rubbish'], {}), 'clf')
  t.equal(detectFormat([], {}), 'clf')
})
