import { createRandom } from '../../../models/statistics/random.js'
import type { LoggedRequest } from './limit-requests.js'

export interface SentRequest extends LoggedRequest {
  readonly headers: Record<string, string>
}

export interface Configuration {
  readonly text: string
  readonly files: Readonly<Record<string, string>>
}

const TARGETS = [
  ...[
    '/',
    '/api',
    '/api/',
    '/api/items',
    '/api/items/',
    '/API/items',
    '//api/items',
    '/api/%69tems',
    '/api/./items',
  ],
  ...[
    '/api/x/../items',
    '/api/items;v=1',
    '/api/items?x=1',
    '/api/items/7',
    '/api/%2e%2e/static/a',
    '/static/a.png',
  ],
  ...[
    '/static/A.PNG',
    '/old/items',
    '/old/static/a.png',
    '/login',
    '/login/',
    '/a%3Fb',
    '/api/items%2F8',
    '/closed/x',
    '/q',
  ],
  ...['/../api', '/api/../../q', '/api/%zz', '/q%', '/q%00', '/api/..', '/api/items/.', '/..q', '/api//../q'],
  ...[
    '/api/%2E%2E/%2e%2e/q',
    '/api/a%2F..%2Fitems',
    '/api/items/..%2f',
    '/api/%252e%252e/q',
    '/api/items%20',
  ],
]

/** Few clients, so that limits are met. */
export function randomRequests(seed: number): SentRequest[] {
  const random = createRandom(seed + 1000).uniform
  const one = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!
  return Array.from({ length: 150 }, () => ({
    method: one(['GET', 'GET', 'GET', 'POST', 'HEAD']),
    target: one(TARGETS),
    client: one(['127.0.0.2', '127.0.0.3', '127.0.0.3', '127.0.1.4']),
    headers: { 'user-agent': one(['curl/8', 'Mozilla', 'GoodBot']) },
  }))
}

/** A server of NGINX with random zones, locations and rewrite rules. */
export function nginxConfiguration(seed: number, port: number): Configuration {
  const random = createRandom(seed).uniform
  const one = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!
  const some = (share: number, text: string) => (random() < share ? text : '')
  const zones = [0, 1, 2].map((i) => `z${seed}_${i}`)
  const keys = [
    '$binary_remote_addr',
    '$server_name',
    `$key${seed}`,
    '$binary_remote_addr$request_method',
    `$kind${seed}$uri`,
  ]
  const use = () =>
    `limit_req zone=${one(zones)} ${one(['', 'burst=1', 'burst=2', 'burst=5'])} ${one(['nodelay', 'delay=100'])};`
  const uses = () => {
    const [first, second] = [use(), use()]
    const zone = (text: string) => /zone=(\w+)/.exec(text)![1]
    return some(0.6, first) + (zone(first) === zone(second) ? '' : some(0.2, second))
  }
  const extra = () =>
    some(0.1, 'if ($request_method = POST) { return 418; }') +
    some(0.1, 'if ($http_user_agent ~* "goodbot") { rewrite ^ /static/bot last; }') +
    some(0.1, 'rewrite ^/api/items/(\\d+)$ /login break;')
  const inside = (path: string) =>
    some(0.3, `location ${path}items { ${uses()} }`) +
    some(0.2, `location = ${path}items/7 { ${uses()} }`) +
    some(0.2, `location ~ ^${path}items/[0-9]+$ { ${uses()} }`)
  const locations = [
    some(0.8, `location / { ${uses()} ${extra()} }`),
    some(
      0.7,
      `location /api/ { ${uses()} ${extra()} ${inside('/api/')} ${some(0.3, 'proxy_pass http://127.0.0.1:9;')} }`,
    ),
    some(0.3, `location = /api/items { ${uses()} }`),
    some(0.4, `location ${one(['', '^~ '])}/static/ { ${uses()} }`),
    some(0.4, `location ~* \\.(png|jpg)$ { ${uses()} }`),
    some(0.3, `location ~ ^/api/items(?<rest${seed}>/.*)?$ { ${uses()} ${extra()} }`),
    some(0.4, `location /old/ { rewrite ^/old/(.*)$ /$1 last; }`),
    some(0.3, `location =/login { ${uses()} }`),
    some(0.3, 'location /closed/ { return 403; }'),
    `location = /q { ${use()} }`,
  ].sort(() => random() - 0.5)
  const text = `
    map $uri $key${seed} { default $binary_remote_addr; /login ""; ~^/static/(?<file${seed}>.+)$ $file${seed}; ~*^/API one; }
    geo $net${seed} { default out; 127.0.0.0/24 in; include nets${seed}.conf; }
    map $net${seed}$http_user_agent $kind${seed} { ~*bot$ ""; default $net${seed}; }
    ${zones.map((zone) => `limit_req_zone ${one(keys)} zone=${zone}:1m rate=1r/m;`).join('\n')}
    server {
      listen 127.0.0.1:${port}; server_name s${seed}.test;
      ${some(0.4, use())} ${some(0.2, 'merge_slashes off;')}
      ${some(0.2, 'set $done ""; if ($request_method = HEAD) { set $done 1; } if ($done) { return 204; }')}
      ${some(0.2, 'rewrite ^/old/items /api/items;')}
      include locations${seed}_*.conf;
    }`
  return {
    text,
    files: {
      [`nets${seed}.conf`]: '127.0.0.3 special;\n',
      [`locations${seed}_a.conf`]: locations.slice(0, 4).join('\n'),
      [`locations${seed}_b.conf`]: locations.slice(4).join('\n'),
    },
  }
}

/** A frontend of HAProxy with random tables and rules. */
export function haproxyConfiguration(seed: number, port: number, folder: string): Configuration {
  const random = createRandom(seed).uniform
  const one = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!
  const some = (share: number, text: string) => (random() < share ? text : '')
  const key = () => one(['src', 'src', 'path', 'method', 'src,ipmask(24)', 'req.hdr(user-agent)'])
  const condition = () =>
    one([
      '',
      '',
      ' if is_api',
      ' if !is_api',
      ' unless is_api or METH_POST',
      ` if { path -f ${folder}/paths${seed}.txt }`,
      ' if { path_end .png } || METH_GET',
      ` if { path,map_beg(${folder}/kinds${seed}.map,none) -m str static }`,
    ])
  const counter = (i: number) => one([`sc_http_req_rate(${i})`, `sc${i}_http_req_rate`])
  const deny = () => {
    const action = one(['deny deny_status 429', 'deny deny_status 429', 'return status 429'])
    const rate = `{ ${counter(one([0, 1]))} ${one(['gt', 'ge'])} ${3 + Math.floor(random() * 12)} }`
    const second = some(0.2, ` { ${counter(one([0, 1]))} gt 2 }`)
    return `http-request ${action} if ${rate}${second}${some(0.5, one([' is_api', ' !is_api', ' METH_POST', ' { src 127.0.0.0/24 }']))}`
  }
  const byMap = [
    `http-request set-var(txn.limit) path,map_beg(${folder}/limits${seed}.map,9)`,
    `http-request set-var(txn.rate) sc_http_req_rate(0)`,
    'http-request deny deny_status 429 if abuse',
  ]
  const rules = [
    `http-request track-sc0 ${key()}${condition()}`,
    `http-request track-sc1 ${one([`${key()} table t${seed}`, `base32+src table b${seed}`])}${condition()}`,
    some(0.3, 'http-request return status 204 if METH_HEAD'),
    some(0.2, 'http-request allow if { path /login }'),
    deny(),
    some(0.6, deny()),
    ...(random() < 0.4 ? byMap : []),
  ]
  if (random() < 0.3) rules.sort(() => random() - 0.5)
  const behind = [
    `http-request track-sc2 src table t${seed}`,
    `http-request deny deny_status 429 if { sc_http_req_rate(2) gt 30 } is_static`,
  ]
  const text = `
backend t${seed}
  stick-table type string len 64 size 1k expire 10m store http_req_rate(5m)
backend b${seed}
  stick-table type binary len 20 size 1k expire 10m store http_req_rate(5m)
frontend f${seed}
  bind 127.0.0.1:${port}
  stick-table type string size 1k expire 10m store http_cnt,http_req_rate(5m)
  acl is_api path_beg /api
  acl abuse var(txn.limit),sub(txn.rate) lt 0
  acl is_api path_reg -i ^/static/.*png$
  ${rules.filter((rule) => rule !== '').join('\n  ')}
  use_backend special${seed} if { path_beg /static /old }
  default_backend rest${seed}
backend special${seed}
  acl is_static path_sub tic
  ${behind.join('\n  ')}
  http-request return status 404
backend rest${seed}
  http-request return status 404
`.replace('http_cnt,', 'http_req_cnt,')
  return {
    text,
    files: {
      [`paths${seed}.txt`]: '# paths\n/login\n/api/items\n',
      [`kinds${seed}.map`]: '/static static\n/ other\n',
      [`limits${seed}.map`]: '/api 5\n/api/items 3\n/static 12\n',
    },
  }
}
