const HIDDEN = '(not shown)'

/** Shorter parts of an address are no secret, such as `api` and `v2`. */
const MIN_SECRET = 6

/**
 * A text without what it repeats of the path and the query of an address, and of the credentials: frameworks answer "Cannot
 * POST /hooks/the-secret".
 */
export function withoutSecrets(
  text: string,
  { url, headers }: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
): string {
  const { pathname, search, searchParams } = new URL(url)
  const [, credentials = ''] = (headers['authorization'] ?? '').split(' ')
  const [, ...password] = Buffer.from(credentials, 'base64').toString().split(':')
  const parts = [
    ...[pathname + search, ...pathname.split('/'), search, ...searchParams.values()],
    ...[credentials, password.join(':')],
  ]
  const secrets = new Set(parts.flatMap((part) => [part, decoded(part)]))
  return [...secrets]
    .filter((secret) => secret.length >= MIN_SECRET)
    .sort((a, b) => b.length - a.length)
    .reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
