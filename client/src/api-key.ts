/** What a header can carry: no spaces, no line breaks, no letters beyond ASCII. */
const PRINTABLE = /^[!-~]{1,4096}$/

/**
 * The key as it is sent. White space around it is dropped, because files that contain one end with a line break.
 *
 * @param given default: ML_SERVICE_API_KEY; an empty text is no key
 * @throws TypeError that does not show the key
 */
export function checkedKey(given: string | undefined): string | undefined {
  const key = (given ?? process.env['ML_SERVICE_API_KEY'] ?? '').trim()
  if (key === '') return undefined
  if (PRINTABLE.test(key)) return key
  const name = given === undefined ? 'ML_SERVICE_API_KEY' : 'apiKey'
  throw new TypeError(`${name} is not a key; allowed are 1 to 4,096 visible ASCII characters without spaces.`)
}
