// A receiver that keeps what it is sent over OTLP/HTTP, OpenTelemetry's own messages to read it with, and a project whose demo is run.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import zlib from 'node:zlib'

const require = createRequire(path.join(process.env.OSIRIS_TELEMETRY_PACKAGES, 'package.json'))
const transformer = path.dirname(require.resolve('@opentelemetry/otlp-transformer/package.json'))
const root = require(path.join(transformer, 'build/src/generated/root.js'))
const collector = root.opentelemetry.proto.collector
export const messages = {
  '/v1/traces': collector.trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': collector.metrics.v1.ExportMetricsServiceRequest,
  '/v1/logs': collector.logs.v1.ExportLogsServiceRequest,
}
const ID_KEYS = new Set(['traceId', 'spanId', 'parentSpanId'])

// Hex of the JSON encoding as the base64 that protobufjs reads and writes bytes as, and back.
export function convert(value, key, from, to) {
  if (Array.isArray(value)) return value.map((item) => convert(item, key, from, to))
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, convert(item, name, from, to)]))
  return ID_KEYS.has(key) && typeof value === 'string' ? Buffer.from(value, from).toString(to) : value
}
export const asObject = (message, read) => convert(message.toObject(read, { longs: String, bytes: String }), '', 'base64', 'hex')
// A request in protobuf as the document that the JSON encoding would be.
export const decoded = ({ path: place, body }) => asObject(messages[place], messages[place].decode(body))

export const spansOf = (documents) =>
  documents.flatMap((document) => (document.resourceSpans ?? []).flatMap((each) => each.scopeSpans.flatMap((s) => s.spans)))
export const logsOf = (documents) =>
  documents.flatMap((document) => (document.resourceLogs ?? []).flatMap((each) => each.scopeLogs.flatMap((s) => s.logRecords)))
export const metricsOf = (documents) =>
  documents.flatMap((document) => (document.resourceMetrics ?? []).flatMap((each) => each.scopeMetrics.flatMap((s) => s.metrics)))

export class Receiver extends EventEmitter {
  received = [] // {path, type, body}

  static async start() {
    const receiver = new Receiver()
    receiver.server = http.createServer((request, response) => {
      const parts = []
      request.on('data', (part) => parts.push(part))
      request.on('end', () => {
        const sent = Buffer.concat(parts)
        const body = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(sent) : sent
        receiver.received.push({ path: request.url, type: request.headers['content-type'], body })
        response.end()
        receiver.emit('more')
      })
    })
    receiver.server.listen(0, '127.0.0.1')
    await once(receiver.server, 'listening')
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}`
    return receiver
  }

  // Once what was received is `enough`; the test's own time limit ends a wait in vain.
  async until(enough) {
    while (!enough(this.received)) await once(this, 'more')
  }

  stop() {
    this.server.closeAllConnections()
    this.server.close()
  }
}

const osiris = path.join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris')

export class Demo {
  static async make() {
    const demo = new Demo()
    demo.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'osiris-telemetry-'))
    await promisify(execFile)(osiris, ['init', demo.directory])
    return demo
  }

  // A run that has nothing to complain of.
  async run(endpoint, protocol) {
    const environment = {
      PATH: process.env.PATH, HOME: this.directory, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_RESOURCE_ATTRIBUTES: 'team=data',
    }
    const { stderr } = await promisify(execFile)(osiris, ['run', 'pipelines/hello.yaml'], { cwd: this.directory, env: environment })
    assert.equal(stderr, '')
  }

  remove() {
    fs.rmSync(this.directory, { recursive: true })
  }
}
