/** The weeks that are drawn begin on a Monday. */
export const START_MS = Date.UTC(2026, 0, 5)
export const DAYS = 21
