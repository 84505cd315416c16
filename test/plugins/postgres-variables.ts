/** The variables of a PostgreSQL server, without the prefix POSTGRES_ or TRAFFIC_POSTGRES_. */
export const POSTGRES_VARIABLES = [
  ...['HOST', 'PORT', 'DB', 'USER', 'PASSWORD', 'PASSWORD_FILE', 'URL', 'URL_FILE', 'SSL', 'SSL_CA'],
]
