/** Every advisory lock of the service is the pair (ADVISORY_LOCK_SPACE, one of these). */
export const ADVISORY_LOCK_SPACE = 0x61656769

export const ADVISORY_LOCKS = {
  /** Held for life by the service that owns an embedded server, in the database `postgres`. */
  embeddedOwner: 1,
  /** Held while a migration is applied. */
  migrations: 2,
  /** Held by the replica that brings the rollups up to date. */
  rollups: 3,
  /** Held by the replica that trains. */
  training: 4,
  /** Held while the rows of an access log are compared with the traffic table and put into it. */
  importing: 5,
  /** Held while recommendations are saved or decided. */
  recommendations: 6,
} as const
