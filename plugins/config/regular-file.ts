import { readFileSync, statSync } from 'node:fs'

/**
 * The text of a file that is read while the service works. Reading a pipe would wait for its writer, and a device may
 * have no end.
 *
 * @throws Error when it cannot be read, or is too large
 */
export function readRegularFile(file: string, maxBytes: number): string {
  const found = statSync(file)
  if (!found.isFile()) throw new Error('it is not a regular file')
  if (found.size > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`)
  return readFileSync(file, 'utf8')
}
