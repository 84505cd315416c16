import { ENDPOINTS } from '../models/synthetic/endpoints.js'
import { createRandom } from '../models/statistics/random.js'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'okhttp/4.12.0',
]
const CLIENTS = 20_000

/** Log lines of a busy NGINX in combined format with $request_time, about 220 bytes each, in pieces. */
export function* accessLog(lines: number): Generator<string, void> {
  const random = createRandom(1)
  const two = (value: number) => String(value).padStart(2, '0')
  let timeMs = Date.UTC(2026, 0, 1)
  let text = ''
  for (let i = 0; i < lines; i++) {
    timeMs += random.uniform() * 40
    const time = new Date(timeMs)
    const client = Math.floor(CLIENTS * random.uniform() ** 2)
    const { method, path } = ENDPOINTS[random.integer(ENDPOINTS.length)]!
    const raw = path.replace(/\{\w+\}/g, () => String(random.integer(20_000)))
    text +=
      `10.${client >> 14}.${(client >> 7) & 127}.${client & 127} - ${client % 3 ? '-' : `user-${client}`} ` +
      `[${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}:${time.toISOString().slice(11, 19)} +0000] ` +
      `"${method} ${raw} HTTP/1.1" ${random.uniform() < 0.97 ? 200 : 404} ${random.integer(9000)} ` +
      `"https://shop.example.com/products" "${AGENTS[client % 3]}" ${(random.uniform() ** 4).toFixed(3)}\n`
    if (text.length < 1 << 18) continue
    yield text
    text = ''
  }
  yield text
}
