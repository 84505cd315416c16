import t from 'tap'
import { requestId } from '../../../plugins/http/request-id.js'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const NEW = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

t.test('the id of a request is the one it brings, the id of its trace, or a new one', async (t) => {
  for (const [name, headers, expected] of [
    ['an id', { 'x-request-id': 'a-1/' }, 'a-1/'],
    ['an id before a trace', { 'x-request-id': 'a', traceparent: `00-${TRACE}-${SPAN}-01` }, 'a'],
    ['the longest id', { 'x-request-id': 'x'.repeat(128) }, 'x'.repeat(128)],
    ['a longer one', { 'x-request-id': 'x'.repeat(129) }, NEW],
    ['an empty one', { 'x-request-id': '' }, NEW],
    ['one that was sent twice', { 'x-request-id': 'a, b' }, NEW],
    ['a control character', { 'x-request-id': 'a\u0007b' }, NEW],
    ['a letter outside of ASCII', { 'x-request-id': 'ä' }, NEW],
    ['nothing', {}, NEW],
    ['a trace', { traceparent: `00-${TRACE}-${SPAN}-01` }, TRACE],
    ['a trace of a later version', { traceparent: `cc-${TRACE}-${SPAN}-01-what-the-future-adds` }, TRACE],
    ['a bad id and a trace', { 'x-request-id': 'a b', traceparent: `00-${TRACE}-${SPAN}-00` }, TRACE],
    ['version 00 with more fields', { traceparent: `00-${TRACE}-${SPAN}-01-more` }, NEW],
    ['version ff', { traceparent: `ff-${TRACE}-${SPAN}-01` }, NEW],
    ['a trace of zeros', { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }, NEW],
    ['a span of zeros', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }, NEW],
    ['capitals', { traceparent: `00-${TRACE.toUpperCase()}-${SPAN}-01` }, NEW],
    ['a short trace', { traceparent: `00-${TRACE.slice(1)}-${SPAN}-01` }, NEW],
  ] as const) {
    t.match(requestId({ headers }), expected instanceof RegExp ? expected : new RegExp(`^${expected}$`), name)
  }
})
