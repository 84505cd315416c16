/** Where an answer is meant to differ from the old one. docs/migrating.md tells its readers. */
interface Intended {
  readonly requests: RegExp
  readonly difference: RegExp
  readonly why: string
}

export const INTENDED: readonly Intended[] = [
  {
    requests: /./,
    difference: /^status 400 → 409$/,
    why: 'a model that is not trained is a conflict with the state of the service',
  },
  {
    requests: /./,
    difference: /^status 500 → (400|415)$/,
    why: 'a mistake of the caller is no failure of the service',
  },
  { requests: /./, difference: /^status 500 → 200$/, why: 'what made the old service fail works' },
  { requests: /^fresh trend$/, difference: /./, why: 'a trend needs no model' },
  { requests: /^fresh info$/, difference: /./, why: 'an optimizer that is not there is null' },
  {
    requests: /^generate zero$|^train days (string|0|-1|0\.5|null)$/,
    difference: /^status 200 → 400$/,
    why: 'a value that makes no sense is named',
  },
  {
    requests: /^detect (strings|float count|error 2|negative|bool)$/,
    difference: /^status 200 → 400$/,
    why: 'a figure that is none is named',
  },
  {
    requests: /^optimize (current (float|-5)|endpoint (empty|null|number))$/,
    difference: /^status 200 → 400$/,
    why: 'a value that makes no sense is named',
  },
  { requests: /^export format (unknown|case)$/, difference: /./, why: 'an unknown format is named' },
  {
    requests: /^reset (malformed|text)$/,
    difference: /^status 200 → (400|415)$/,
    why: 'a body that is no JSON is refused',
  },
  {
    requests: /^detect (partial|only rps and avg|\{\}|no body)$/,
    difference: /^status 200 → 400$/,
    why: 'an absent latency is not zero',
  },
  { requests: /./, difference: /^header access-control-/, why: 'CORS is off unless CORS_ORIGINS is set' },
  {
    requests: /^health with origin$/,
    difference: /^status 200 → 403$/,
    why: 'pages of other origins reach nothing unless CORS_ORIGINS lists them',
  },
  {
    requests: /^OPTIONS /,
    difference: /^(status|type|header allow)/,
    why: 'the same, in a preflight request',
  },
  {
    requests: /./,
    difference: /threshold_multiplier is lost$/,
    why: 'the detector has no such setting any more',
  },
]
