/**
 * The values of each group, ascending. NaN is left out; a group may be empty. O(n log n).
 * @param isUsed which values count; all when left out
 */
export function grouped(
  values: Float64Array,
  nGroups: number,
  groupOf: (index: number) => number,
  isUsed?: (index: number) => boolean,
): Float64Array[] {
  const groups = Array.from({ length: nGroups }, (): number[] => [])
  values.forEach((value, i) => {
    if (!Number.isNaN(value) && (!isUsed || isUsed(i))) groups[groupOf(i)]!.push(value)
  })
  return groups.map((group) => Float64Array.from(group).sort())
}
