/** The three weeks that every world has. */
export const DAYS = 21
export const START_MS = Date.UTC(2026, 0, 5) // a Monday
