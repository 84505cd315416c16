import { csvHeader, csvRow } from '../export/csv.js'
import type { EndpointProfile } from '../../models/rate-limit/endpoints/profile.js'
import { PROFILE_COLUMNS } from './profile-columns.js'

/** Profiles as CSV, a row each. */
export function profilesCsv(profiles: readonly EndpointProfile[]): string {
  const rows = profiles.map((profile) => csvRow(PROFILE_COLUMNS.map(({ field }) => profile[field])))
  return csvHeader(PROFILE_COLUMNS) + rows.join('')
}
