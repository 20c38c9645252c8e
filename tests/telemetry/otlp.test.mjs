// Both encodings of what a run sends, decoded by the messages that OpenTelemetry's own exporter is made of.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asObject, convert, decoded, Demo, messages, Receiver, spansOf } from './receiver.mjs'

let demo, receiver

before(async () => {
  demo = await Demo.make()
  receiver = await Receiver.start()
})

after(() => {
  receiver.stop()
  demo.remove()
})

// What a run of the demo sends, by path.
async function run(protocol) {
  receiver.received = []
  await demo.run(receiver.url, protocol)
  return receiver.received
}

// A repeated field without items is not there in protobuf.
const parse = (body) => JSON.parse(body, (key, value) => (Array.isArray(value) && !value.length ? undefined : value))

// Names and types of everything in a document, without values that differ from run to run.
function shape(value) {
  if (Array.isArray(value)) return value.length ? [shape(value[0])] : []
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).sort().map(([name, item]) => [name, shape(item)]))
  return typeof value
}

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
  for (const { type } of requests) assert.equal(type, 'application/x-protobuf')
  const documents = requests.map(decoded)
  const names = (documents) => spansOf(documents).map((span) => span.name).sort()
  assert.deepEqual(names(documents), names(json))
  for (const key of ['resourceSpans', 'resourceMetrics', 'resourceLogs']) {
    const first = (documents) => documents.find((document) => document[key])
    assert.deepEqual(shape(first(documents)[key][0].resource), shape(first(json)[key][0].resource))
  }
  const byName = (documents, name) => spansOf(documents).find((span) => span.name === name)
  for (const span of spansOf(documents)) assert.deepEqual(shape(span), shape(byName(json, span.name)), span.name)
})

test('spans are a tree with one root, ids are of their sizes, times are in order', async () => {
  const requests = await run('http/protobuf')
  const spans = spansOf(requests.map(decoded))
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
