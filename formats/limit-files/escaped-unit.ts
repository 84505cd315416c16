/** A UTF-16 unit as JavaScript, JSON and YAML escape it: `\u0022`. */
export function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
