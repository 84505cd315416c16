/**
 * The text formats of servers, in the syntax of --log-format. `$duration_…` has a unit in its name, terms are added up,
 * `$captures` is HAProxy's captured headers, `$rest` whatever follows. Names that say nothing about a request are those
 * of the servers' documentation.
 *
 * Where lines fit several, the first counts: the more a format asks for, the earlier it comes.
 */
export const TEXT_PRESETS = {
  /** docs.nginx.com/nginx-ingress and kubernetes.github.io/ingress-nginx, "Log format": `upstreaminfo` */
  'ingress-nginx':
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ' +
    '"$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] ' +
    '$upstream_addr $upstream_response_length $upstream_time $upstream_status $req_id',
  /** doc.traefik.io, "Access logs": the common log format and Traefik's own fields */
  traefik:
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ' +
    '"$http_user_agent" $request_count "$router" "$server_url" ${duration_ms}ms',
  /** conf/config.yaml of APISIX: `access_log_format` */
  apisix:
    '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time ' +
    '"$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_time "$upstream_url"$rest',
  /** docs.haproxy.org, 8.2.3 "HTTP log format" and 8.2.4 "HTTPS log format": the last of the times is the active time */
  haproxy:
    '$remote_addr:$remote_port [$time] $frontend $backend/$server $tq/$tw/$tc/$tr/$duration_ms $status $bytes_sent ' +
    '$req_cookie $resp_cookie $term $act/$fe/$be/$srv/$retries $sq/$bq $captures"$request"$rest',
  /** istio.io, "Envoy Access Logs": the default of the mesh */
  istio:
    '[$time] "$request" $status $flags $details $termination "$failure" $received $bytes_sent $duration_ms $service ' +
    '"$http_x_forwarded_for" "$http_user_agent" "$id" "$authority" "$upstream_host" $cluster $upstream_local ' +
    '$local $remote_addr $server_name $route$rest',
  /** envoyproxy.io, "Access logging": the default format string */
  envoy:
    '[$time] "$request" $status $flags $received $bytes_sent $duration_ms $service "$http_x_forwarded_for" ' +
    '"$http_user_agent" "$id" "$authority" "$upstream_host"$rest',
  /** docs.aws.amazon.com, "Access logs for your Application Load Balancer" */
  alb:
    '$type $time $elb $remote_addr:$remote_port $target $duration_term_s $duration_term_s $duration_term_s $status ' +
    '$target_status $received $bytes_sent "$request" "$http_user_agent" $cipher $protocol $group "$trace" $rest',
  /** docs.aws.amazon.com, "Access logs for your Classic Load Balancer" */
  elb:
    '$time $elb $remote_addr:$remote_port $target $duration_term_s $duration_term_s $duration_term_s $status ' +
    '$target_status $received $bytes_sent "$request" "$http_user_agent" $cipher $protocol',
  /** docs.aws.amazon.com, "Amazon S3 server access log format": the total time is in ms */
  s3:
    '$owner $bucket [$time] $remote_addr $remote_user $id $operation $key "$request" $status $error $bytes_sent ' +
    '$size $duration_ms $turnaround "$http_referer" "$http_user_agent" $version$rest',
  /** docs.aws.amazon.com, "Set up CloudWatch logging for REST APIs": the CSV example */
  'apigateway-csv':
    '$remote_addr,$caller,$remote_user,$time,$request_method,$uri,$protocol,$status,$bytes_sent,$id',
  /** The same page: the XML example */
  'apigateway-xml':
    '<request id="$id"> <ip>$remote_addr</ip> <caller>$caller</caller> <user>$remote_user</user> ' +
    '<requestTime>$time</requestTime> <httpMethod>$request_method</httpMethod> <resourcePath>$uri</resourcePath> ' +
    '<status>$status</status> <protocol>$protocol</protocol> <responseLength>$bytes_sent</responseLength> </request>',
  /** docs.aws.amazon.com, "Customize HTTP API access logs": the CSV example, and the XML example */
  'apigateway-http-csv': '$remote_addr,$time,$request_method,$uri,$protocol,$status,$bytes_sent,$id',
  'apigateway-http-xml':
    '<request id="$id"> <ip>$remote_addr</ip> <requestTime>$time</requestTime> <httpMethod>$request_method</httpMethod> ' +
    '<routeKey>$uri</routeKey> <status>$status</status> <protocol>$protocol</protocol> ' +
    '<responseLength>$bytes_sent</responseLength> </request>',
  /** learn.microsoft.com, "IIS log file formats": the default fields of the W3C format, for a log without its header */
  iis:
    '$date $time $server_ip $request_method $uri $query $port $remote_user $remote_addr $http_user_agent ' +
    '$http_referer $status $substatus $win32 $duration_ms',
  /** docs.aws.amazon.com, "Standard logging reference" of CloudFront, for a log without its header */
  cloudfront:
    '$date\t$time\t$edge\t$bytes_sent\t$remote_addr\t$request_method\t$host\t$uri\t$status\t$http_referer\t' +
    '$http_user_agent\t$query\t$cookie\t$result\t$id\t$host_header\t$protocol\t$received\t$duration_s\t' +
    '$http_x_forwarded_for\t$rest',
  /** The same for real-time logs: all fields, with and without the address of the server */
  'cloudfront-realtime':
    '$msec\t$remote_addr\t$server_ip\t$first_byte\t$status\t$bytes_sent\t$request_method\t$scheme\t$host\t$uri\t' +
    '$received\t$edge\t$id\t$host_header\t$duration_s\t$protocol\t$ip_version\t$http_user_agent\t$rest',
  'cloudfront-realtime-v1':
    '$msec\t$remote_addr\t$first_byte\t$status\t$bytes_sent\t$request_method\t$scheme\t$host\t$uri\t' +
    '$received\t$edge\t$id\t$host_header\t$duration_s\t$protocol\t$ip_version\t$http_user_agent\t$rest',
  /** wiki.squid-cache.org, "Native access.log format": `squid` */
  squid:
    '$msec  $duration_ms $remote_addr $result/$status $bytes_sent $request_method $request_uri $remote_user $hierarchy $type',
  /** Emissary-ingress (Ambassador): that of Envoy after a word */
  emissary:
    'ACCESS [$time] "$request" $status $flags $received $bytes_sent $duration_ms $service "$http_x_forwarded_for" ' +
    '"$http_user_agent" "$id" "$authority" "$upstream_host"$rest',
  /** pkg.go.dev/github.com/gin-gonic/gin, "Logger"; KrakenD writes it too */
  gin: '[GIN] $date - $time | $status |  $duration_ms |  $remote_addr | $request_method  "$uri"',
  /** uwsgi-docs.readthedocs.io, "Formatting uWSGI requests logs": the default */
  uwsgi:
    '[pid: $pid|app: $app|req: $req] $remote_addr ($name) {$vars vars in $received bytes} [$time] $request_method ' +
    '$request_uri => generated $bytes_sent bytes in $duration_ms msecs ($protocol $status)$rest',
  /** docs.aiohttp.org, "Logging": the default */
  aiohttp:
    '$remote_addr [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
  /** docs.djangoproject.com, "django.server": the development server */
  django: '[$time_local] "$request" $status $body_bytes_sent',
  /** www.uvicorn.org, the default: without a time, unless something around the line has one */
  uvicorn: 'INFO:  $remote_addr - "$request" $status $rest',
  /** expressjs.com, "morgan": the formats without a time, like uvicorn's. The combined and the common format are clf */
  'morgan-short': '$remote_addr $remote_user $request $status $bytes_sent - ${duration_ms} ms',
  'morgan-tiny': '$request_method $request_uri $status $bytes_sent - ${duration_ms} ms',
  'morgan-dev': '$request_method $request_uri $status ${duration_ms} ms - $bytes_sent',
} as const satisfies Record<string, string>

export type TextPreset = keyof typeof TEXT_PRESETS

/** Lines of these begin as the common log format does. Where one cannot be read, the rest of it can. */
export const LIKE_COMMON: ReadonlySet<string> = new Set<TextPreset>(['ingress-nginx', 'traefik'])
