interface Selection {
  readonly by_method?: boolean
  readonly min_requests?: number
  readonly min_confidence?: number
}

/** Which endpoints HTTP asks for, with everything else that it asks. */
export function fromSelection<T extends Selection>({
  by_method: byMethod,
  min_requests: minRequests,
  min_confidence: minConfidence,
  ...rest
}: T) {
  return { ...rest, byMethod, minRequests, minConfidence }
}
