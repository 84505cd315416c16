import type { DurationUnit } from './duration.js'

/**
 * What can be taken from a line, and the names it usually has. A name is compared without capitals and without what
 * stands between its words: `request_method`, `requestMethod` and `Request-Method` are one name. The names of nested
 * objects stand before it (`req.method` is `reqmethod`). Where a line has several, the first here counts.
 */
const NAMES = {
  timestamp: [
    ...[
      'timestamp',
      'time',
      'ts',
      'timeiso8601',
      'timelocal',
      'msec',
      'startutc',
      'starttime',
      'starttimestamp',
    ],
    ...[
      'requesttimestamp',
      'timestampms',
      'datetime',
      'eventtime',
      'accesstime',
      'logtime',
      'requesttime',
      't',
    ],
    ...[
      'when',
      'date',
      'eventtimestamp',
      'eventtimestampms',
      'startedat',
      'requestedat',
      'receivedat',
      'createdat',
      'timegenerated',
      'edgestarttimestamp',
    ],
  ],
  /** The whole request line. */
  request: ['request', 'requestline', 'httprequest', 'req', 'requestfirstline'],
  method: [
    'method',
    'requestmethod',
    'httpmethod',
    'reqmethod',
    'httprequestmethod',
    'verb',
    'httpverb',
    'csmethod',
    'clientrequestmethod',
  ],
  /** What the client asked for, before the name of the server. */
  host: ['httphost', 'requesthost', 'reqhost', 'authority', 'host', 'servername'],
  path: [
    ...[
      'path',
      'uri',
      'requesturi',
      'requestpath',
      'url',
      'requesturl',
      'urlpath',
      'urloriginal',
      'reqoriginalurl',
    ],
    ...[
      'originalurl',
      'requrl',
      'reqpath',
      'requri',
      'httppath',
      'httptarget',
      'httpurl',
      'httproute',
      'target',
    ],
    ...['requesttarget', 'urlfull', 'xenvoyoriginalpath', 'csuristem', 'rawpath', 'pathname', 'requesteduri'],
    ...['requestedurl', 'clientrequesturi', 'clientrequestpath', 'fullpath'],
  ],
  status: [
    ...[
      'status',
      'statuscode',
      'responsecode',
      'httpstatus',
      'httpstatuscode',
      'responsestatus',
      'resstatuscode',
    ],
    ...[
      'responsestatuscode',
      'httpresponsestatuscode',
      'resstatus',
      'downstreamstatus',
      'edgeresponsestatus',
    ],
    ...['scstatus', 'returncode', 'httpcode', 'response', 'code', 'rc'],
  ],
  latency_ms: [],
  latency_s: [],
  latency_us: [],
  latency_ns: ['eventduration', 'totalns'],
  client: [
    ...[
      'clientip',
      'remoteaddr',
      'ip',
      'ipaddress',
      'remoteip',
      'remoteaddress',
      'requestclientip',
      'clientaddress',
    ],
    ...[
      'clientaddr',
      'clienthost',
      'requestremoteip',
      'requestremoteaddr',
      'requestremoteaddress',
      'reqremoteaddress',
    ],
    ...['reqremoteaddr', 'reqip', 'requestip', 'sourceip', 'sourceaddress', 'srcip', 'networkclientip'],
    ...[
      'downstreamremoteaddress',
      'downstreamremoteaddresswithoutport',
      'downstreamdirectremoteaddress',
      'cip',
    ],
    ...['calleripaddress', 'remotehost', 'peeraddress', 'client', 'remote', 'src'],
  ],
  /** X-Forwarded-For. */
  forwarded: [
    ...['xforwardedfor', 'httpxforwardedfor', 'forwardedfor', 'xff', 'requestheadersxforwardedfor'],
    ...['requestxforwardedfor', 'reqheadersxforwardedfor', 'headersxforwardedfor', 'reqxforwardedfor'],
    ...['httprequestheadersxforwardedfor', 'requestheaderxforwardedfor', 'xrealip', 'httpxrealip', 'realip'],
    ...['requestheadersxrealip', 'reqheadersxrealip', 'headersxrealip', 'cfconnectingip', 'trueclientip'],
  ],
  user: [
    'userid',
    'remoteuser',
    'user',
    'username',
    'clientusername',
    'enduserid',
    'usrid',
    'consumerusername',
  ],
  user_agent: [
    ...[
      'httpuseragent',
      'useragent',
      'useragentoriginal',
      'agent',
      'requestuseragent',
      'requestheadersuseragent',
    ],
    ...['reqheadersuseragent', 'headersuseragent', 'requestagent', 'ua', 'csuseragent'],
  ],
  /** The time of the end, from which the latency follows when nothing else says it. */
  end: [],
  bytes: [
    ...['bodybytessent', 'bytessent', 'bytesout', 'bytes', 'size', 'downstreamcontentsize', 'responsesize'],
    ...['responsebytes', 'responsebodybytes', 'responsebodysize', 'responselength', 'httpresponsebodybytes'],
    ...[
      'bodysentbytes',
      'rescontentlength',
      'resheaderscontentlength',
      'responseheaderscontentlength',
      'scbytes',
    ],
    ...['networkbyteswritten'],
  ],
} as const satisfies Record<string, readonly string[]>

export type JsonField = keyof typeof NAMES

export const JSON_FIELDS = Object.keys(NAMES) as readonly JsonField[]

/** Objects that say nothing about what is in them: their names count for nothing. */
const CONTAINERS = new Set([
  ...[
    'meta',
    'data',
    'fields',
    'attributes',
    'log',
    'event',
    'properties',
    'context',
    'ctx',
    'json',
    'jsonpayload',
  ],
  ...[
    'payload',
    'message',
    'msg',
    'extra',
    'details',
    'labels',
    'body',
    'access',
    'accesslog',
    'record',
    'http',
  ],
  ...[
    'nginx',
    'apache',
    'apache2',
    'haproxy',
    'traefik',
    'envoy',
    'protopayload',
    'httprequest',
    'httpresponse',
  ],
  ...['metadata', 'params', 'info', 'entry', 'source'],
])

/** Durations: every name with every unit, such as `duration_ms` or `elapsedSeconds`. */
const DURATIONS = [
  ...['duration', 'latency', 'elapsed', 'responsetime', 'requesttime', 'timetaken', 'took', 'processingtime'],
  ...[
    'totaltime',
    'requestduration',
    'requestlatency',
    'responseduration',
    'elapsedtime',
    'timeelapsed',
    'latencytotal',
  ],
  ...[
    'totalduration',
    'executiontime',
    'timespent',
    'responselatency',
    'httpduration',
    'servingtime',
    'runtime',
  ],
  ...[
    'requestprocessingtime',
    'requestelapsed',
    'reqtime',
    'durationtotal',
    'httprequestduration',
    'totallatency',
  ],
]
const UNITS: Readonly<Record<string, DurationUnit>> = {
  ...{
    ms: 'ms',
    msec: 'ms',
    msecs: 'ms',
    millis: 'ms',
    millisec: 'ms',
    millisecond: 'ms',
    milliseconds: 'ms',
  },
  ...{ s: 's', sec: 's', secs: 's', second: 's', seconds: 's' },
  ...{ us: 'us', usec: 'us', micros: 'us', microsec: 'us', microsecond: 'us', microseconds: 'us' },
  ...{ ns: 'ns', nsec: 'ns', nanos: 'ns', nanosec: 'ns', nanosecond: 'ns', nanoseconds: 'ns' },
}

/** A field, and how early its name stands among the names of the field. */
export interface Meaning {
  readonly field: JsonField | 'duration'
  readonly rank: number
}

const MEANINGS = new Map<string, Meaning>()
for (const field of JSON_FIELDS) {
  NAMES[field].forEach((name, rank) => {
    if (!MEANINGS.has(name)) MEANINGS.set(name, { field, rank })
  })
}

/** A time in some logs, a duration in others: the value decides. */
const REQUEST_TIME: readonly Meaning[] = [
  { field: 'timestamp', rank: NAMES.timestamp.indexOf('requesttime') },
  { field: 'duration', rank: 1 },
]

/**
 * What a name without its containers says; nothing for most. `responseTime` is that of Node.js, in milliseconds,
 * `request_time` that of NGINX, in seconds.
 */
function meaningsOf(name: string, key: string): readonly Meaning[] {
  if (key === 'responseTime') return [{ field: 'latency_ms', rank: 0 }]
  if (key === 'request_time') return [{ field: 'latency_s', rank: 0 }]
  if (name === 'requesttime') return REQUEST_TIME
  const found = MEANINGS.get(name)
  if (found !== undefined) return [found]
  for (const duration of DURATIONS) {
    if (!name.startsWith(duration)) continue
    const suffix = name.slice(duration.length).replace(/^in/, '')
    const rank = DURATIONS.indexOf(duration) + 1
    // Written with its unit for people.
    if (suffix === '' || suffix === 'human') return [{ field: 'duration', rank: suffix === '' ? rank : 0 }]
    const unit = Object.hasOwn(UNITS, suffix) ? UNITS[suffix] : undefined
    if (unit !== undefined) return [{ field: `latency_${unit}`, rank }]
  }
  return []
}

const normal = (key: string) => key.toLowerCase().replace(/[^a-z\d]/g, '')

/**
 * What the value under a path says about a request.
 *
 * @param path the keys from the outermost object to the value
 */
export function meaningsOfPath(path: readonly string[]): readonly Meaning[] {
  const words = path.flatMap((key) => key.split('.')).map(normal)
  const last = path.at(-1)!.split('.').at(-1)!
  const whole = meaningsOf(words.join(''), last)
  if (whole.length > 0) return whole
  const kept = words.findIndex((word) => !CONTAINERS.has(word))
  if (kept <= 0) return []
  // A name within another object is a worse one.
  return meaningsOf(words.slice(kept).join(''), last).map(({ field, rank }) => ({ field, rank: rank + 100 }))
}
