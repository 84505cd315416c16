import { commentText, headLines, type FileHead, type RateLimitEntry } from './limit-entry.js'

/**
 * The RateLimit-Policy field of each endpoint (draft-ietf-httpapi-ratelimit-headers), which tells clients what they may
 * do: an item for each window, `q` requests in `w` seconds. A tab parts endpoint and field.
 */
export function headersFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# Endpoint, tab, header field. The field tells clients of a limit; it enforces nothing.',
    ...entries.map((entry) => `${commentText(entry.endpoint)}\tRateLimit-Policy: ${policy(entry)}`),
  ]
  return `${lines.join('\n')}\n`
}

/** @example policy of 100 a minute: '"minute";q=100;w=60' */
export function policy(entry: Pick<RateLimitEntry, 'limit' | 'longWindow' | 'dayWindow'>): string {
  const { limit, longWindow, dayWindow } = entry
  const items = [`"minute";q=${limit};w=60`]
  if (longWindow) items.push(`"long";q=${longWindow.limit};w=${longWindow.seconds}`)
  if (dayWindow) items.push(`"day";q=${dayWindow.limit};w=${dayWindow.seconds}`)
  return items.join(', ')
}
