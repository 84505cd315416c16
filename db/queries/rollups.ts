export { minuteFigures } from './traffic.js'
export class TrafficTableError extends Error {}
export async function updateRollups(_sql: unknown, _options: object): Promise<void> {}
