import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { LanguageServer } from './client.mjs'

const osiris = path.join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris')
const examples = path.join(import.meta.dirname, '../../examples')
const MODELINE = '# yaml-language-server: $schema=../.osiris/schemas/pipeline.json\n'
const HEAD = `${MODELINE}oml_version: "0.1.0"\nname: p\nsteps:\n`

let project, server, opened = 0

// The server reads the schema from the file that the first line names.
const file = () => path.join(project, 'pipelines', `p${opened++}.yaml`)
const step = (lines) => HEAD + lines.map((line, i) => `${i ? '    ' : '  - '}${line}\n`).join('')

before(async () => {
  project = fs.mkdtempSync(path.join(os.tmpdir(), 'osiris-editor-'))
  execFileSync(osiris, ['init', project], { cwd: project })
  server = await LanguageServer.start(project)
})

after(async () => {
  await server.stop()
  fs.rmSync(project, { recursive: true })
})

test('the files that init writes name their schemas and are right', async () => {
  for (const name of ['pipelines/hello.yaml', 'osiris_connections.example.yaml', 'osiris.yaml']) {
    const text = fs.readFileSync(path.join(project, name), 'utf8')
    assert.match(text, /^# yaml-language-server: \$schema=/)
    assert.deepEqual(await server.open(path.join(project, name), text), [], name)
  }
})

test('every example of the repository is right', async () => {
  const names = fs.readdirSync(examples).filter((name) => fs.existsSync(path.join(examples, name, 'pipeline.yaml')))
  assert.ok(names.length >= 7)
  for (const name of names)
    assert.deepEqual(await server.open(file(), MODELINE + fs.readFileSync(path.join(examples, name, 'pipeline.yaml'), 'utf8')), [], name)
})

test('every example of a component is right', async () => {
  const components = JSON.parse(execFileSync(osiris, ['components', 'list', '--json'], { cwd: project }))
  for (const { name } of components) {
    const spec = JSON.parse(execFileSync(osiris, ['components', 'show', name, '--json'], { cwd: project }))
    for (const { title, config } of spec.examples ?? [])
      assert.deepEqual(await server.open(file(), step(['id: a', `component: ${name}`, `config: ${JSON.stringify(config)}`])), [], `${name}: ${title}`)
  }
})

test('what is wrong is marked at its line', async () => {
  const wrong = [
    [['id: a', 'component: filesystem.csv_reader'], 6, /not accepted|Valid values/],
    [['id: a', 'component: filesystem.csv_writer', 'config: {path: out.csv, delimeter: ";"}'], 7, /delimeter/],
    [['id: a', 'component: filesystem.csv_writer', 'config: {path: out.csv, newline: crfl}'], 7, /crlf|any/],
    [['id: a', 'component: filesystem.csv_writer', 'config: {}'], 7, /path/],
    [['id: a', 'component: filesystem.csv_writer', 'mode: read', 'config: {path: out.csv}'], 7, /write/],
    [['id: a', 'component: duckdb.processor', 'retry: many', 'config: {query: SELECT 1}'], 7, /./],
    [['id: a', 'component: duckdb.processor', 'need: [b]', 'config: {query: SELECT 1}'], 7, /need/],
  ]
  for (const [lines, line, message] of wrong) {
    const found = await server.open(file(), step(lines))
    assert.equal(found.length, 1, `${lines}: ${JSON.stringify(found)}`)
    assert.equal(found[0].line, line, `${lines}: ${found[0].message}`)
    assert.match(found[0].message, message)
  }
})

test('a placeholder stands for a value of any type', async () => {
  assert.deepEqual(await server.open(file(), step(['id: a', 'component: filesystem.csv_writer', 'retry: "${params.n}"', 'config: {path: out.csv, header: "${params.header}", newline: "${params.newline}"}'])), [])
})

test('keys, components and values are offered', async () => {
  const keys = await server.complete(file(), step(['id: a', 'component: filesystem.csv_writer', 'config:', '  ▮']))
  for (const key of ['path', 'delimiter', 'newline', 'connection']) assert.ok(keys.includes(key), `${key}: ${keys}`)
  assert.ok((await server.complete(file(), step(['id: a', 'component: ▮']))).includes('postgres.writer'))
  const values = await server.complete(file(), step(['id: a', 'component: filesystem.csv_writer', 'config:', '  newline: ▮']))
  assert.ok(values.includes('crlf'), `${values}`)
})

test('osiris.yaml is checked and completed', async () => {
  const head = '# yaml-language-server: $schema=../.osiris/schemas/project.json\n'
  const wrong = [
    ['filesystem: {run_log_dir: logs}', /run_log_dir/],
    ['filesystem: {retention: {run_logs_days: seven}}', /integer/],
    ['telemetry: {protocol: grpc}', /./],
    ['on_failure: {webhook: "mailto:someone"}', /./],
    ['reprot: true', /reprot/],
  ]
  for (const [line, message] of wrong) {
    const found = await server.open(file(), `${head}${line}\n`)
    assert.ok(found.length > 0 && found[0].line === 2, `${line}: ${JSON.stringify(found)}`)
    assert.match(found[0].message, message)
  }
  assert.deepEqual(await server.open(file(), `${head}telemetry: false\ncache: {max_bytes: 5GiB}\nadapters:\n  e2b: {timeout: 15m}\nlogging: {level: INFO}\n`), [])
  const keys = await server.complete(file(), `${head}filesystem:\n  retention:\n    ▮`)
  for (const key of ['run_logs_days', 'max_bytes']) assert.ok(keys.includes(key), `${key}: ${keys}`)
})
