import { createFieldMap, FieldMapError } from '../../formats/ingest/field-map.js'
import type { PresetName } from '../../formats/ingest/presets.js'
import { invalid } from './receive.js'

/** The map of fields that a request names. @throws ServiceError INVALID_REQUEST */
export function fieldMap(map: string | undefined, preset: PresetName | undefined) {
  try {
    return createFieldMap(map, preset)
  } catch (error) {
    if (!(error instanceof FieldMapError)) throw error
    const allowed =
      'allowed is target:source between commas, such as path:uri,response_time_ms:request_time*1000'
    throw invalid('map', `cannot be used: ${error.message}; ${allowed}`)
  }
}
