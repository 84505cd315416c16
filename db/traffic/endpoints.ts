/** The number of endpoints (method and path template) with a name of their own; all others are counted together. */
export const MAX_ENDPOINTS = 2_000

/** Index and number of the endpoint that stands for all others. */
export const OTHER = 0

/** No known method is longer. */
const MAX_METHOD_LENGTH = 32

/** The method of an endpoint: in capitals, and cut. */
export function methodName(method: string): string {
  return method.toUpperCase().slice(0, MAX_METHOD_LENGTH)
}
