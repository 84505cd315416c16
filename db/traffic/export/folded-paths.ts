import type { ISql } from 'postgres'
import type { EndpointFolding } from '../../../models/traffic/endpoint-folding.js'
import { inRangeText } from '../times.js'
import type { TrafficSelection } from './selection.js'

/** Where the templates are kept of the paths that are not their own template. */
export const FOLDED_PATHS = 'pg_temp.aegis_ml_folded_paths'

/** Paths at a time: there may be millions, and each may be long. */
const PAGE = 1000

/**
 * Folds the paths of a range into templates, within a transaction: those that differ from their template go into a
 * temporary table, which needs the right to make one. No path at all counts as an empty one.
 *
 * @returns whether there is any; otherwise there is no table
 */
export async function foldPaths(
  tx: ISql,
  selection: TrafficSelection,
  folding: EndpointFolding,
): Promise<boolean> {
  let found = false
  await tx.unsafe(`declare aegis_ml_paths no scroll cursor for
    select distinct coalesce(path, '') as path from ${selection.table} where ${inRangeText(selection)}`)
  for (;;) {
    const page = await tx<{ path: string }[]>`fetch forward ${tx.unsafe(String(PAGE))} from aegis_ml_paths`
    if (page.length === 0) break
    const folded = page
      .map(({ path }) => ({ path, template: folding.template(path) }))
      .filter(({ path, template }) => path !== template)
    if (folded.length === 0) continue
    if (!found)
      await tx.unsafe(`create temporary table ${FOLDED_PATHS} (path text, template text) on commit drop`)
    found = true
    await tx`insert into ${tx.unsafe(FOLDED_PATHS)}
      select * from unnest(${folded.map(({ path }) => path)}::text[], ${folded.map(({ template }) => template)}::text[])`
  }
  await tx`close aegis_ml_paths`
  if (found) await tx.unsafe(`analyze ${FOLDED_PATHS}`)
  return found
}
