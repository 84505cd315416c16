/** A number of things in words. @example counted(1, 'request') // '1 request' */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** A measured number as sentences have it: whole from 100 on, else with three digits. @example short(8.108) // 8.11 */
export function short(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
