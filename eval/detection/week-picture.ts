export function drawWeek(_gateway: string, _seed: number): string {
  return ''
}
