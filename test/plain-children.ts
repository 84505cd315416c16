import processOnSpawn from 'process-on-spawn'

// Loaded before each test file (.taprc). tap hands its hooks for modules to every child process through NODE_OPTIONS.
// The service then takes three times as long to start, and is not what a user starts.
processOnSpawn.addListener((child) => {
  child.env = Object.fromEntries(Object.entries(child.env).filter(([name]) => name !== 'NODE_OPTIONS'))
})
