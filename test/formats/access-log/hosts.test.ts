import t from 'tap'
import { emptyEntry, PLAIN_READING } from '../../../formats/access-log/log-entry.js'
import { createW3cParser } from '../../../formats/access-log/w3c-line.js'
import { createTextParser } from '../../../formats/access-log/text/text-line.js'

const hostOf = (format: string, line: string) => {
  const entry = emptyEntry()
  entry.host = 'of the line before'
  return [createTextParser(format, PLAIN_READING)(line, entry, 0), entry.path, entry.host]
}

t.test('the host of a line is read in any format', async (t) => {
  const request = '"GET /a?b=1 HTTP/1.1"'
  const absolute = '"GET https://shop.example.com:443/a?b HTTP/1.1"'
  const cases: [format: string, line: string, host: string | null][] = [
    ['$http_host $remote_addr "$request" $status', `a.example:81 192.0.2.1 ${request} 200`, 'a.example:81'],
    ['$server_name $host "$request" $status', `_ shop.example.com ${request} 200`, 'shop.example.com'],
    ['$server_name "$request" $status', `shop.example.com ${request} 200`, 'shop.example.com'],
    ['$host$request_uri $status', 'shop.example.com/a 200', 'shop.example.com'],
    ['%v:%p %h "%r" %>s', `shop.example.com:443 192.0.2.1 ${request} 200`, 'shop.example.com'],
    ['"%{Host}i" %h "%r" %>s', `"shop.example.com" 192.0.2.1 ${request} 200`, 'shop.example.com'],
    ['"$request" $status', `${absolute} 200`, 'shop.example.com:443'],
    ['$host "$request" $status', `- ${request} 200`, null],
    ['"$request" $status', `${request} 200`, null],
  ]
  for (const [format, line, host] of cases) t.same(hostOf(format, line), [undefined, '/a', host], format)
})

t.test('of a log of the W3C, the host that the client asked for counts', async (t) => {
  const parse = createW3cParser(PLAIN_READING)
  const entry = emptyEntry()
  parse('#Fields: date time cs-method cs(Host) cs-uri-stem sc-status x-host-header', entry)
  t.equal(parse('2024-05-01 10:15:00 GET d1.example.net /a 200 shop.example.com', entry), undefined)
  t.equal(entry.host, 'shop.example.com')
})
