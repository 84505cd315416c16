/**
 * Unused files, exports and dependencies. Lint runs knip twice:
 * - `knip` counts tests as users: an export must have a reader in another file.
 * - `knip --production` sees only the patterns with an exclamation mark, so code that only tests use fails.
 */
export default ({ production = false } = {}) => ({
  workspaces: {
    '.': {
      entry: [
        'batch-worker.ts!',
        'scripts/*.ts!',
        'scripts/demo/main.ts!',
        'plugins/training/*-worker.ts!',
        'plugins/optimization/*-worker.ts!',
        'plugins/watch-models/*-worker.ts!',
        'models/index.ts!', // the public face of the mathematics
        'docker/*.js!',
        'bench/run.ts',
        'bench/overload/{main,crowd}.ts',
        'bench/bodies/{main,event-loop,probe}.ts',
        'eval/*/main.ts',
        'eval/*/judge-thread.ts',
        'test/run.ts',
        'test/plugins/exiting-thread.ts',
        'test/**/*.test.ts',
        'test/**/golden/**/*.mjs',
        'test/chaos/main.ts',
        'test/chaos/stall-probe.ts',
        'test/chaos/faults/worker-killer.ts',
        'test/container/checks.ts',
        'test/docs/shims/*.ts',
        'test/e2e/pages/*.js',
      ],
      project: [
        '{app,batch-worker,server}.ts!',
        '{db,docker,formats,models,plugins,routes,scripts}/**!',
        '{bench,eval,test}/**',
        '*.js',
      ],
      ignoreBinaries: [
        'caddy',
        ...['psql', 'nginx', 'haproxy', 'pgbouncer', 'openssl', 'syslog-ng', 'prometheus', 'promtool'],
        ...['unshare', 'openapi-typescript'],
      ],
      // Dependencies of the client, whose gateways the tests and benchmarks start.
      ignoreDependencies: ['express', 'openapi-typescript'],
    },
    client: {
      project: ['src/**!'],
      ignore: ['src/generated/**'],
      ignoreDependencies: ['express', 'express-4', '@types/express', 'openapi-typescript'],
    },
  },
  // A type that is part of an exported signature is in use, whether or not another file names it.
  ignoreExportsUsedInFile: production || { interface: true, type: true },
  ignoreIssues: production
    ? // Mathematics may be exported for its tests. The three folders below are checked here instead.
      { 'models/!(anomaly|seasonality|stream)/**': ['exports'] }
    : {
        // test/docs/detection.test.ts reads their constants by name.
        'models/{anomaly,seasonality,stream}/**': ['exports'],
        // test/client/core.ts imports it from the built client, where knip does not look.
        'client/src/middleware/latency-histogram.ts': ['exports'],
      },
})
