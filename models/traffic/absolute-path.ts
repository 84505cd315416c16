/** A name or an address, with a port or without. */
const HOST = /^(?:[0-9a-z][0-9a-z_.-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/**
 * A path with its host before it, as the rule `host` reads it. The path alone where it has a host already, and where
 * there is none.
 *
 * @example withHost('/items/7', 'shop.example.com') // 'http://shop.example.com/items/7'
 */
export function withHost(path: string, host: string | null | undefined): string {
  return path.startsWith('/') && typeof host === 'string' && HOST.test(host) ? `http://${host}${path}` : path
}
