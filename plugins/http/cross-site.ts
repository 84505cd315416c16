import type { IncomingHttpHeaders } from 'node:http'

interface Sent {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

const READS = new Set(['GET', 'HEAD'])

/**
 * Whether a browser sends the request for a page of another origin, and that origin is not listed. Browsers say so in
 * Sec-Fetch-Site, which no page can set; those without it still send Origin beside whatever may change something.
 * A person who follows a link from another page to this service is welcome: that page reads nothing of it.
 *
 * @param isListed tells the origins of CORS_ORIGINS, and those of the service behind a proxy that changes Host
 */
export function isCrossSite({ method, headers }: Sent, isListed: (origin: string) => boolean): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (site === undefined && origin === undefined) return false
  if (site === 'same-origin') return false
  if (origin !== undefined && isListed(origin)) return false
  if (site === undefined || site === 'none') return origin !== undefined && !isOwn(origin, headers.host)
  if (origin !== undefined) return true
  const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return !(READS.has(method) && isLink)
}

/** A proxy may speak https for the service, so the scheme is not compared. */
function isOwn(origin: string, host: string | undefined): boolean {
  if (host === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false
  const { protocol, host: given } = new URL(origin)
  const url = `${protocol}//${host}`
  return URL.canParse(url) && new URL(url).host === given
}
