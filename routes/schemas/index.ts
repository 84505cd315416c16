import { About, Version } from './about.js'
import { auditSchemas } from './audit.js'
import { Backtest, BacktestBody } from './backtest.js'
import { BacktestJob } from './backtest-job.js'
import { Clusters } from './clusters.js'
import { ModelComparison } from './comparison.js'
import { Batch, BatchResult, BatchVerdict, Metrics, PastMetrics, Trend, Verdict } from './detection.js'
import { deploymentSchemas } from './deployments.js'
import { endpointSchemas } from './endpoints.js'
import { TrafficBucket } from './export.js'
import { feedbackSchemas } from './feedback.js'
import { Alive, Health, Ready } from './health.js'
import { incidentLimitSchemas } from './incident-limits.js'
import { incidentSchemas } from './incidents.js'
import { scanSchemas } from './incident-scan.js'
import { IngestBody, IngestedRequest, IngestResult } from './ingest.js'
import { TrainingJob } from './jobs.js'
import { notificationSchemas } from './notifications.js'
import { silenceSchemas } from './silences.js'
import {
  ActivateBody,
  ActivateResult,
  LoadBody,
  LoadResult,
  ModelInfo,
  ModelVersions,
  ResetResult,
} from './models.js'
import { OptimizeAllBody, OptimizeBody, Profile, Recommendation, Recommendations } from './recommendation.js'
import {
  ExportLogsRequest,
  ExportTraceRequest,
  LogsResponse,
  OtlpAttribute,
  RpcStatus,
  TraceResponse,
} from './otlp.js'
import { ApplyBody, KeptRecommendation, KeptRecommendations, RejectBody } from './saved-recommendation.js'
import { ModelSensitivity } from './sensitivity.js'
import {
  SyntheticBody,
  SyntheticResult,
  TrainBody,
  TrainedDetector,
  TrainedOptimizer,
  TrainResult,
} from './training.js'
import { TrainingStatus } from './training-status.js'
import { Failure, Nothing } from './types.js'
import { watchingSchemas } from './watching.js'

/** The named schemas of the OpenAPI document. */
export const sharedSchemas = [
  ...auditSchemas,
  ...endpointSchemas,
  ...incidentSchemas,
  ...feedbackSchemas,
  ...incidentLimitSchemas,
  ...scanSchemas,
  ...watchingSchemas,
  ...notificationSchemas,
  ...silenceSchemas,
  ...deploymentSchemas,
  Failure,
  Nothing,
  Metrics,
  PastMetrics,
  Verdict,
  Batch,
  BatchResult,
  BatchVerdict,
  Trend,
  TrainBody,
  TrainedDetector,
  TrainedOptimizer,
  TrainResult,
  TrainingStatus,
  TrainingJob,
  SyntheticBody,
  SyntheticResult,
  ModelInfo,
  ModelVersions,
  ModelSensitivity,
  ModelComparison,
  ActivateBody,
  ActivateResult,
  LoadBody,
  LoadResult,
  ResetResult,
  OptimizeBody,
  OptimizeAllBody,
  Recommendation,
  Recommendations,
  Profile,
  Clusters,
  BacktestBody,
  Backtest,
  BacktestJob,
  KeptRecommendation,
  KeptRecommendations,
  ApplyBody,
  RejectBody,
  TrafficBucket,
  IngestedRequest,
  IngestBody,
  IngestResult,
  OtlpAttribute,
  ExportTraceRequest,
  TraceResponse,
  ExportLogsRequest,
  LogsResponse,
  RpcStatus,
  About,
  Version,
  Health,
  Alive,
  Ready,
]
