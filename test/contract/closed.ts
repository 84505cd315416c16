/** The same document, in which objects may have no more fields than are listed. */
export function closed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(closed) as T
  if (typeof value !== 'object' || value === null) return value
  const copy = Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, closed(entry)]))
  if (copy['type'] === 'object' && typeof copy['properties'] === 'object')
    copy['additionalProperties'] = false
  return copy as T
}
