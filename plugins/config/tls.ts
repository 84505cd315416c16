import { createSecureContext } from 'node:tls'
import { ConfigError } from './error.js'
import { readRegularFile } from './regular-file.js'

/** The files of the certificate, with those of its issuers, and of its key. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface TlsContent {
  readonly cert: string
  readonly key: string
}

const FILE = 'a PEM file that the service can read'

const MAX_BYTES = 1_000_000

/** Null when the service speaks plain HTTP. @throws ConfigError when a file is missing, or the two do not fit */
export function tlsConfig(certFile: string, keyFile: string): TlsFiles | null {
  if (certFile === '' && keyFile === '') return null
  if (certFile === '')
    throw new ConfigError('ML_SERVICE_TLS_CERT_FILE', '', `with ML_SERVICE_TLS_KEY_FILE ${FILE}`)
  if (keyFile === '')
    throw new ConfigError('ML_SERVICE_TLS_KEY_FILE', '', `with ML_SERVICE_TLS_CERT_FILE ${FILE}`)
  const files = Object.freeze({ certFile, keyFile })
  try {
    createSecureContext(readTls(files))
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ').slice(0, 200)
    throw new ConfigError(
      'ML_SERVICE_TLS_CERT_FILE',
      certFile,
      `${FILE}, with its key in ML_SERVICE_TLS_KEY_FILE (${reason})`,
    )
  }
  return files
}

/** @throws Error when a file cannot be read */
export function readTls({ certFile, keyFile }: TlsFiles): TlsContent {
  return { cert: readRegularFile(certFile, MAX_BYTES), key: readRegularFile(keyFile, MAX_BYTES) }
}
