/** What a worker thread posts: its progress, any number of times, and once how it ended. */
export type WorkerMessage<Outcome> = { readonly progress: number } | { readonly outcome: Outcome }
