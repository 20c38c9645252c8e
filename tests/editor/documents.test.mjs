// What commands print with --json, held against the JSON Schemas that are installed, by the validator that the language
// server uses itself.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'

const { default: Ajv } = createRequire(path.join(process.env.OSIRIS_EDITOR_PACKAGES, 'node_modules/'))('ajv')
const osiris = path.join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris')
const source = path.join(import.meta.dirname, '../..')
const schemas = path.join(process.env.OSIRIS_BUILD_DIR, 'share/osiris/schemas')
const names = fs.readdirSync(schemas).map((file) => path.basename(file, '.json')).sort()

// Of minutes: tests/adapter_check runs this command.
const NOT_RUN_HERE = ['adapters-check']

let project
const seen = new Set()
const call = (...args) => spawnSync(osiris, args, { cwd: project, encoding: 'utf8', maxBuffer: 1 << 28 })
const compiled = new Map()
const validator = (name) => {
  if (!compiled.has(name)) compiled.set(name, new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(fs.readFileSync(path.join(schemas, `${name}.json`), 'utf8'))))
  return compiled.get(name)
}

const check = (name, args, exit = 0) => {
  const { status, stdout, stderr } = call(...args, '--json')
  assert.equal(status, exit, `${args.join(' ')}: ${stdout}${stderr}`)
  const document = JSON.parse(stdout)
  const validate = validator(name)
  assert.ok(validate(document), `${args.join(' ')}: ${JSON.stringify(validate.errors)}\n${stdout}`)
  seen.add(name)
  return document
}

before(() => {
  project = fs.mkdtempSync(path.join(os.tmpdir(), 'osiris-documents-'))
  fs.writeFileSync(path.join(project, 'osiris.yaml'), '')
  fs.writeFileSync(path.join(project, 'in.csv'), 'id,name\n1,one\n2,\n')
  fs.writeFileSync(path.join(project, 'osiris_connections.yaml'), 'version: 1\nconnections:\n  mysql:\n    shop: {host: 127.0.0.1, port: 1, database: d, user: u, password: p}\n')
  const pipeline = (name, query, more = '') => `oml_version: "0.1.0"
name: ${name}
${more}steps:
  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}
  - {id: pick, component: duckdb.processor, mode: transform, needs: [read], config: {query: "${query}"}, checks: [{not_null: id}]}
  - {id: save, component: filesystem.csv_writer, mode: write, needs: [pick], config: {path: out/${name}.csv}}
`
  fs.writeFileSync(path.join(project, 'good.yaml'), pipeline('good', 'SELECT * FROM df_read', 'schedule: {cron: "30 3 * * 1-5"}\n'))
  fs.writeFileSync(path.join(project, 'changing.yaml'), pipeline('changing', 'SELECT id, uuid()::VARCHAR AS name FROM df_read'))
  fs.writeFileSync(path.join(project, 'failing.yaml'), pipeline('failing', 'SELECT CAST(name AS INTEGER) AS id FROM df_read'))
  fs.writeFileSync(path.join(project, 'wrong.yaml'), pipeline('wrong', 'SELECT * FROM df_read').replace('csv_writer', 'csv_writre'))
})

after(() => fs.rmSync(project, { recursive: true }))

test('errors, help and version', () => {
  check('error', ['run', 'none.yaml'], 2)
  check('error', ['nothing'], 2)
  check('error', ['run', '--nothing'], 2)
  check('error', ['compile', 'wrong.yaml'], 2)
  check('help', ['run', '--help'])
  check('version', ['--version'])
})

test('runs, and what is kept of them', () => {
  check('dry-run', ['run', 'good.yaml', '--dry-run'])
  check('run', ['run', 'good.yaml'])
  check('run', ['run', 'failing.yaml'], 1)
  check('error', ['run', 'wrong.yaml'], 2)
  check('runs-list', ['runs', 'list'])
  check('logs-list', ['logs', 'list'])
  for (const run of ['good/1', 'failing/1']) check('logs-show', ['logs', 'show', run])
  check('logs-show', ['logs', 'last'])
  for (const what of ['--events', '--metrics', '--log']) check('logs-lines', ['logs', 'show', 'good/1', what])
  check('report', ['report'])
  check('report', ['report', '--runs'])
  check('run', ['run', 'good.yaml', '--keep-outputs'])
  check('why', ['why', 'pick', 'good.yaml'])
  check('cache-show', ['cache', 'show'])
  check('cache-cleared', ['cache', 'clear'])
})

test('rows and differences', () => {
  check('show', ['show', 'read', '--run', 'good/1'])
  check('show', ['show', 'save', '--run', 'good/1'])
  check('show', ['show', 'pick', '--file', 'good.yaml', '--sql', 'SELECT count(*) AS n FROM input_df'])
  check('show-file', ['show', 'pick', '--run', 'good/1', '--format', 'csv', '-o', 'shown.csv'])
  check('sql', ['sql', 'good/1', '-c', 'SELECT count(*) AS n FROM df_save'])
  check('sql-file', ['sql', 'good/1', '-c', 'FROM df_save', '--format', 'json', '-o', 'asked.json'])
  check('run', ['run', 'good.yaml'])
  check('diff', ['diff', 'good/1', 'good/3'])
  check('diff', ['diff', 'good/1', 'failing/1'], 1)
  const { comparisons } = check('diff', ['diff', 'changing.yaml', '--adapter', 'local,local'], 1)
  assert.equal(comparisons[0].outputs[0].rows.left.rows_only, 2)
})

test('pipelines and what they are made of', () => {
  check('compile', ['compile', 'good.yaml'])
  check('validate-file', ['validate', 'good.yaml'])
  check('validate-file', ['validate', 'wrong.yaml'], 2)
  check('validate-files', ['validate', 'good.yaml', 'wrong.yaml'], 2)
  check('validate-project', ['validate'], 2)
  check('graph', ['graph', 'good.yaml'])
  check('schedule', ['schedule', 'render', 'good.yaml', '--cron'])
  check('components-list', ['components', 'list'])
  for (const { name } of JSON.parse(call('components', 'list', '--json').stdout)) check('components-show', ['components', 'show', name])
  check('explain-all', ['explain'])
  check('explain', ['explain', 'sql_error'])
  check('schema-written', ['schema', '--write'])
  check('completion', ['completion', 'bash'])
})

test('projects, connections and adapters', () => {
  check('init', ['init', 'made'])
  fs.mkdirSync(path.join(project, 'sql'))
  fs.writeFileSync(path.join(project, 'sql/orders.sql'), 'SELECT 1 AS id\n')
  check('import', ['import', 'sql', '-o', 'imported'])
  check('connections-list', ['connections', 'list'])
  check('connections-doctor', ['connections', 'doctor', '--timeout', '20s'], 3)
  check('adapters-list', ['adapters', 'list'])
  check('adapters-show', ['adapters', 'show', 'local'])
  check('adapters-new', ['adapters', 'new', 'mine'])
  const library = JSON.parse(call('adapters', 'show', 'local', '--json').stdout).library
  process.env.XDG_CONFIG_HOME = path.join(project, 'config')
  check('adapters-trust', ['adapters', 'trust', library])
  check('adapters-trust', ['adapters', 'trust', library, '--forget'])
  seen.add('doctor')
  const doctor = call('doctor', '--json')
  const validate = validator('doctor')
  assert.ok(validate(JSON.parse(doctor.stdout)), JSON.stringify(validate.errors))
})

test('shards, what is resumed, and what ends before it is done', () => {
  fs.mkdirSync(path.join(project, 'many'))
  for (const n of [1, 2, 3]) fs.writeFileSync(path.join(project, `many/${n}.csv`), `n\n${n === 2 ? 'two' : n}\n`)
  const sharded = (name, config) => fs.writeFileSync(path.join(project, `${name}.yaml`), `oml_version: "0.1.0"
name: ${name}
steps:
  - {id: read, component: filesystem.csv_extractor, mode: read, foreach: {files: "many/*.csv", on_failure: continue}, config: {path: "\${shard.value}"${config}}}
  - {id: save, component: filesystem.csv_writer, mode: write, needs: [read], config: {path: out/${name}.csv}}
`)
  sharded('shards', '')
  sharded('missing', ', dtype: {n: Int64}')
  check('dry-run', ['run', 'shards.yaml', '--dry-run'])
  check('run', ['run', 'shards.yaml'])
  check('run', ['run', 'missing.yaml'], 1)
  check('logs-show', ['logs', 'last'])
  check('run', ['run', 'good.yaml', '--keep-outputs'])
  check('run', ['run', 'good.yaml', '--resume'])
  check('dry-run', ['run', 'good.yaml', '--resume', '--dry-run'])
  check('run', ['run', 'shards.yaml', '--timeout', '1ms'], 124)
})

test('through a service', async () => {
  const key = 'e2b_0123456789abcdef0123456789abcdef01234567'
  const server = spawn(path.join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris-e2b-server'),
    ['--listen', '127.0.0.1:0', '--api-key', key, '--data', path.join(project, 'e2b'), '--parent-pid', String(process.pid)], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const line = await new Promise((ready) => server.stdout.once('data', ready))
    const { url } = JSON.parse(String(line))
    Object.assign(process.env, { E2B_API_KEY: key, OSIRIS_E2B_API_URL: url, OSIRIS_E2B_SANDBOX_URL: url })
    check('dry-run', ['run', 'good.yaml', '--e2b', '--dry-run'])
    check('run', ['run', 'good.yaml', '--e2b'])
    check('run', ['run', 'shards.yaml', '--e2b', '--e2b-sandboxes', '2'])
    check('run', ['run', 'good.yaml', '--e2b', '--e2b-keep'])
    check('logs-show', ['logs', 'last'])
    check('show', ['show', 'pick', '--adapter', 'e2b'])
    check('diff', ['diff', 'good.yaml', '--adapter', 'local,e2b'])
    const held = check('resources-list', ['resources', 'list', '--adapter', 'e2b'])
    assert.equal(held.resources.length, 1)
    check('resources-list', ['sandboxes', 'list'])
    check('resources-released', ['resources', 'reap', '--adapter', 'e2b'])
    check('resources-released', ['resources', 'release', held.resources[0].id, '--adapter', 'e2b'])
  } finally {
    server.kill()
  }
})

test('state and clean-up', () => {
  fs.mkdirSync(path.join(project, '.osiris/state/dev'), { recursive: true })
  check('states', ['state', 'show'])
  check('state', ['state', 'show', 'good.yaml'])
  check('records-removed', ['clean', '--dry-run'])
  check('records-removed', ['runs', 'prune', '--keep', '0'])
})

test('every schema is used, printed and listed', () => {
  assert.deepEqual(names.filter((name) => !seen.has(name) && !NOT_RUN_HERE.includes(name)), [])
  const page = fs.readFileSync(path.join(source, 'docs/json-documents.md'), 'utf8')
  assert.deepEqual([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((found) => found[1]).sort(), names)
  for (const name of names) {
    const { status, stdout } = call('schema', '--document', name)
    assert.equal(status, 0)
    assert.ok(new Ajv({ strict: false }).validateSchema(JSON.parse(stdout)))
  }
  assert.match(call('schema', '--document', 'rnu').stderr, /did you mean 'run'/)
})

test('a schema refuses what is no such document', () => {
  for (const name of names) {
    assert.ok(!validator(name)('text'), name)
    assert.ok(!validator(name)(3), name)
  }
  assert.ok(!validator('run')({ status: 'success' }))
  assert.ok(!validator('diff')({ same: 'yes', exit_code: 0, comparisons: [] }))
})
