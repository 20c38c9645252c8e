// Both encodings of what a run sends, decoded by the messages that OpenTelemetry's own exporter is made of.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

const require = createRequire(path.join(process.env.OSIRIS_TELEMETRY_PACKAGES, 'package.json'))
const transformer = path.dirname(require.resolve('@opentelemetry/otlp-transformer/package.json'))
const root = require(path.join(transformer, 'build/src/generated/root.js'))
const collector = root.opentelemetry.proto.collector
const messages = {
  '/v1/traces': collector.trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': collector.metrics.v1.ExportMetricsServiceRequest,
  '/v1/logs': collector.logs.v1.ExportLogsServiceRequest,
}
const osiris = path.join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris')
const ID_KEYS = new Set(['traceId', 'spanId', 'parentSpanId'])

let project, server, received

before(async () => {
  project = fs.mkdtempSync(path.join(os.tmpdir(), 'osiris-telemetry-'))
  await promisify(execFile)(osiris, ['init', project])
  server = http.createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      received.push({ path: request.url, type: request.headers['content-type'], body: Buffer.concat(parts) })
      response.end()
    })
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
})

after(() => {
  server.closeAllConnections()
  server.close()
  fs.rmSync(project, { recursive: true })
})

// What a run of the demo sends, by path.
async function run(protocol) {
  received = []
  const environment = {
    PATH: process.env.PATH, HOME: project, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.address().port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_RESOURCE_ATTRIBUTES: 'team=data',
  }
  const { stderr } = await promisify(execFile)(osiris, ['run', 'pipelines/hello.yaml'], { cwd: project, env: environment })
  assert.equal(stderr, '')
  return received
}

// Hex of the JSON encoding as the base64 that protobufjs reads and writes bytes as, and back.
function convert(value, key, from, to) {
  if (Array.isArray(value)) return value.map((item) => convert(item, key, from, to))
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, convert(item, name, from, to)]))
  return ID_KEYS.has(key) && typeof value === 'string' ? Buffer.from(value, from).toString(to) : value
}
const asObject = (message, decoded) =>
  convert(message.toObject(decoded, { longs: String, bytes: String }), '', 'base64', 'hex')

// A repeated field without items is not there in protobuf.
const parse = (body) => JSON.parse(body, (key, value) => (Array.isArray(value) && !value.length ? undefined : value))

// Names and types of everything in a document, without values that differ from run to run.
function shape(value) {
  if (Array.isArray(value)) return value.length ? [shape(value[0])] : []
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).sort().map(([name, item]) => [name, shape(item)]))
  return typeof value
}

const spansOf = (documents) =>
  documents.flatMap((document) => (document.resourceSpans ?? []).flatMap((each) => each.scopeSpans.flatMap((s) => s.spans)))

test('a document in JSON has no field and no type that the definition does not know', async () => {
  const requests = await run('http/json')
  assert.deepEqual(new Set(requests.map((request) => request.path)), new Set(Object.keys(messages)))
  for (const { path: place, type, body } of requests) {
    assert.equal(type, 'application/json')
    const document = parse(body)
    const message = messages[place]
    const read = message.fromObject(convert(document, '', 'hex', 'base64'))
    assert.equal(message.verify(read), null)
    assert.deepEqual(asObject(message, read), document)
  }
})

test('the same in protobuf is decoded to the same', async () => {
  const json = (await run('http/json')).map(({ body }) => parse(body))
  const requests = await run('http/protobuf')
  const decoded = requests.map(({ path: place, type, body }) => {
    assert.equal(type, 'application/x-protobuf')
    return asObject(messages[place], messages[place].decode(body))
  })
  const names = (documents) => spansOf(documents).map((span) => span.name).sort()
  assert.deepEqual(names(decoded), names(json))
  for (const key of ['resourceSpans', 'resourceMetrics', 'resourceLogs']) {
    const first = (documents) => documents.find((document) => document[key])
    assert.deepEqual(shape(first(decoded)[key][0].resource), shape(first(json)[key][0].resource))
  }
  const byName = (documents, name) => spansOf(documents).find((span) => span.name === name)
  for (const span of spansOf(decoded)) assert.deepEqual(shape(span), shape(byName(json, span.name)), span.name)
})

test('spans are a tree with one root, ids are of their sizes, times are in order', async () => {
  const requests = await run('http/protobuf')
  const spans = spansOf(requests.map(({ path: place, body }) => asObject(messages[place], messages[place].decode(body))))
  const ids = new Set(spans.map((span) => span.spanId))
  assert.equal(ids.size, spans.length)
  assert.equal(spans.filter((span) => !span.parentSpanId).length, 1)
  for (const span of spans) {
    assert.match(span.traceId, /^[0-9a-f]{32}$/)
    assert.match(span.spanId, /^[0-9a-f]{16}$/)
    assert.equal(span.traceId, spans[0].traceId)
    if (span.parentSpanId) assert.ok(ids.has(span.parentSpanId), span.name)
    assert.ok(BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano), span.name)
  }
})
