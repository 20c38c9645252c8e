// What a run sends, by way of a collector that others run: Rotel takes OTLP over HTTP in either encoding, batches it and sends it on.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { decoded, Demo, logsOf, metricsOf, Receiver, spansOf } from './receiver.mjs'

let demo, receiver, collector, endpoint

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function isListening(port) {
  const socket = net.connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

before(async () => {
  demo = await Demo.make()
  receiver = await Receiver.start()
  const port = await freePort()
  collector = spawn(process.env.OSIRIS_TELEMETRY_COLLECTOR, [
    'start', '--otlp-http-endpoint', `127.0.0.1:${port}`, '--otlp-grpc-endpoint', `127.0.0.1:${await freePort()}`,
    '--pid-file', path.join(demo.directory, 'collector.pid'), '--exporter', 'otlp', '--otlp-exporter-endpoint', receiver.url,
    '--otlp-exporter-protocol', 'http',
  ], { stdio: ['ignore', 'inherit', 'inherit'] })
  endpoint = `http://127.0.0.1:${port}`
  while (!(await isListening(port))) {
    assert.equal(collector.exitCode, null, 'the collector has ended')
    await pause(20)
  }
}, { timeout: 60_000 })

after(async () => {
  collector.kill()
  if (collector.exitCode === null) await once(collector, 'exit')
  receiver.stop()
  demo.remove()
})

const names = (items) => items.map((item) => item.name).sort()

for (const protocol of ['http/json', 'http/protobuf'])
  test(`a collector takes a run in ${protocol} and hands all of it on`, { timeout: 120_000 }, async () => {
    receiver.received = []
    await demo.run(receiver.url, 'http/protobuf')
    const wanted = receiver.received.map(decoded)
    receiver.received = []
    await demo.run(endpoint, protocol)
    await receiver.until((received) => {
      const documents = received.map(decoded)
      return spansOf(documents).length >= spansOf(wanted).length && logsOf(documents).length >= logsOf(wanted).length &&
        metricsOf(documents).length > 0
    })
    const documents = receiver.received.map(decoded)
    assert.deepEqual(names(spansOf(documents)), names(spansOf(wanted)))
    assert.equal(logsOf(documents).length, logsOf(wanted).length)
    assert.deepEqual(new Set(names(metricsOf(documents))), new Set(names(metricsOf(wanted))))
    // The tree that the run sent is the tree that arrives.
    const spans = spansOf(documents)
    const ids = new Set(spans.map((span) => span.spanId))
    assert.equal(spans.filter((span) => !span.parentSpanId).length, 1)
    for (const span of spans.filter((each) => each.parentSpanId)) assert.ok(ids.has(span.parentSpanId), span.name)
    const service = documents[0].resourceSpans ?? documents[0].resourceLogs ?? documents[0].resourceMetrics
    assert.ok(service[0].resource.attributes.some((each) => each.key === 'team' && each.value.stringValue === 'data'))
  })
