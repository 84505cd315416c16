/**
 * Unused files, exports and dependencies. Lint runs it twice:
 * - `knip` sees everything: an export must have a reader in another file, tests included;
 * - `knip --production` (the patterns with an exclamation mark) sees no tests: code that only tests use fails.
 *
 * models/index.ts is the public face of the mathematics, so what it exports needs no reader.
 */
export default ({ production = false } = {}) => ({
  workspaces: {
    '.': {
      entry: [
        'scripts/*.ts!',
        'scripts/demo/main.ts!',
        'plugins/training/*-worker.ts!',
        'models/index.ts!',
        'docker/*.js!',
        'bench/run.ts',
        'eval/*/main.ts',
        'eval/detection/judge-thread.ts',
        'test/run.ts',
        'test/**/*.test.ts',
        'test/container/checks.ts',
        'test/docs/shims/*.ts',
      ],
      project: [
        '{app,server}.ts!',
        '{db,docker,formats,models,plugins,routes,scripts}/**!',
        '{bench,eval,test}/**',
        '*.js',
      ],
      ignoreBinaries: ['psql', 'nginx', 'haproxy', 'unshare', 'openapi-typescript'],
      // Of the client, whose gateways the tests and benchmarks start.
      ignoreDependencies: ['express', 'openapi-typescript'],
    },
    client: {
      project: ['src/**!'],
      ignore: ['src/generated/**'],
      ignoreDependencies: ['express', 'express-4', '@types/express', 'openapi-typescript'],
    },
  },
  // test/client/core.ts imports it from the built client, where knip does not look.
  ignoreIssues: { 'client/src/middleware/latency-histogram.ts': ['exports'] },
  // A type that is part of an exported signature is no dead code, whether or not somebody names it.
  ignoreExportsUsedInFile: production || { interface: true, type: true },
})
