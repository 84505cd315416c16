/** The path that the client asked for, without the query string. Frameworks remove mount paths from url but not from originalUrl. */
export function requestPath({
  originalUrl,
  url = '/',
}: {
  readonly url?: string | undefined
  readonly originalUrl?: string | undefined
}): string {
  return (originalUrl ?? url).split('?', 1)[0]!
}
