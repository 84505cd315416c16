import type { components, operations, paths } from './generated/contract.js'

/** Operations that exporters of OpenTelemetry and Prometheus call; their answers have no envelope. */
type ForeignOperation = 'exportTraces' | 'exportLogs' | 'getMetrics'

export type OperationName = Exclude<keyof operations, ForeignOperation>

/**
 * Method and path of every operation of the contract. A `harmless` POST can be repeated without effect; a `slow`
 * operation has the longer time limit.
 */
export const OPERATIONS = {
  getAbout: ['get', '/'],
  getVersion: ['get', '/version'],
  getHealth: ['get', '/health'],
  getLiveness: ['get', '/health/live'],
  getReadiness: ['get', '/health/ready'],
  listAudit: ['get', '/audit'],
  detect: ['post', '/detect', 'harmless'],
  detectBatch: ['post', '/detect/batch', 'harmless'],
  getTrend: ['get', '/detect/trend'],
  listIncidents: ['get', '/incidents'],
  getIncident: ['get', '/incidents/{id}'],
  acknowledgeIncident: ['post', '/incidents/{id}/acknowledge', 'harmless'],
  resolveIncident: ['post', '/incidents/{id}/resolve', 'harmless'],
  markFalsePositive: ['post', '/incidents/{id}/false-positive', 'harmless'],
  commentIncident: ['post', '/incidents/{id}/comment', 'harmless'],
  previewFalsePositive: ['post', '/incidents/{id}/false-positive/preview', 'harmless'],
  listFeedback: ['get', '/feedback'],
  getFeedback: ['get', '/feedback/{id}'],
  deleteFeedback: ['delete', '/feedback/{id}'],
  applyIncidentLimit: ['post', '/incidents/{id}/apply', 'harmless'],
  endIncidentLimit: ['delete', '/incidents/{id}/apply'],
  followIncidents: ['get', '/incidents/stream'],
  scanIncidents: ['post', '/incidents/scan', 'slow'],
  getScanJob: ['get', '/incidents/scan/jobs/{id}'],
  stopScanJob: ['delete', '/incidents/scan/jobs/{id}'],
  followScanJob: ['get', '/incidents/scan/jobs/{id}/events'],
  listSources: ['get', '/sources'],
  getTimeline: ['get', '/timeline'],
  listNotifications: ['get', '/notifications'],
  testNotifications: ['post', '/notifications/test', 'slow'],
  listSilences: ['get', '/silences'],
  createSilence: ['post', '/silences'],
  getSilence: ['get', '/silences/{id}'],
  replaceSilence: ['put', '/silences/{id}', 'harmless'],
  deleteSilence: ['delete', '/silences/{id}'],
  reportDeployment: ['post', '/deployments'],
  listDeployments: ['get', '/deployments'],
  train: ['post', '/train', 'slow'],
  trainSynthetic: ['post', '/train/synthetic', 'slow'],
  getTrainingStatus: ['get', '/train/status'],
  getTrainingJob: ['get', '/train/jobs/{id}'],
  stopTrainingJob: ['delete', '/train/jobs/{id}'],
  followTrainingJob: ['get', '/train/jobs/{id}/events'],
  generateSynthetic: ['post', '/generate/synthetic', 'slow'],
  getModelInfo: ['get', '/model/info'],
  getModelSensitivity: ['get', '/model/sensitivity'],
  getModelVersions: ['get', '/model/versions'],
  getModelComparison: ['get', '/model/versions/{version}/comparison'],
  activateModel: ['post', '/model/activate'],
  loadModels: ['post', '/model/load'],
  resetModels: ['post', '/model/reset'],
  ingestRequests: ['post', '/ingest/requests', 'harmless'],
  listEndpoints: ['get', '/endpoints'],
  getPathRules: ['get', '/endpoints/rules'],
  setPathRules: ['put', '/endpoints/rules', 'harmless'],
  deletePathRules: ['delete', '/endpoints/rules'],
  previewEndpoints: ['post', '/endpoints/preview', 'slow'],
  optimize: ['post', '/optimize', 'slow'],
  optimizeAll: ['post', '/optimize/all', 'slow'],
  getClusters: ['get', '/optimize/clusters'],
  backtest: ['post', '/optimize/backtest', 'slow'],
  getBacktestJob: ['get', '/optimize/backtest/jobs/{id}'],
  stopBacktestJob: ['delete', '/optimize/backtest/jobs/{id}'],
  followBacktestJob: ['get', '/optimize/backtest/jobs/{id}/events'],
  listRecommendations: ['get', '/optimize/recommendations'],
  applyRecommendation: ['post', '/optimize/recommendations/{id}/apply'],
  rejectRecommendation: ['post', '/optimize/recommendations/{id}/reject'],
  exportTrainingData: ['get', '/export/training-data', 'slow'],
  exportRateLimits: ['get', '/export/rate-limits'],
  exportEndpointProfiles: ['get', '/export/endpoint-profiles'],
} as const satisfies Record<
  OperationName,
  readonly ['get' | 'post' | 'put' | 'delete', keyof paths, ('harmless' | 'slow')?]
>

type Json<T> = T extends { content: { 'application/json': infer Body } } ? Body : never
type Field<T, Name extends string> = T extends { [key in Name]?: infer Value } ? NonNullable<Value> : object
type Part<T> = [T] extends [never] ? object : T

type PathOf<O> = Part<Field<Field<O, 'parameters'>, 'path'>>
type QueryOf<O> = Part<Field<Field<O, 'parameters'>, 'query'>>
type BodyOf<O> = O extends { requestBody?: infer Body } ? Part<Json<NonNullable<Body>>> : object

/**
 * The input of an operation as one object: path parameters, query parameters and body fields. Of the bodies that
 * ingest takes, the client sends the object with `requests`.
 */
export type Input<Name extends OperationName> = Name extends 'ingestRequests'
  ? components['schemas']['IngestBody']
  : PathOf<operations[Name]> & QueryOf<operations[Name]> & BodyOf<operations[Name]>

type Responses<Name extends OperationName> = operations[Name]['responses']
type Envelope<Name extends OperationName, Status> = Status extends keyof Responses<Name>
  ? Json<Responses<Name>[Status]>
  : never

/** The `data` of the answers with this status. */
export type Data<Name extends OperationName, Status = 200 | 202 | '2XX'> = Status extends unknown
  ? Field<Envelope<Name, Status>, 'data'>
  : never

/** The operations that may return a file. */
export type FileName = 'exportTrainingData' | 'exportRateLimits' | 'exportEndpointProfiles'
