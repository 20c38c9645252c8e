// e2b-sdk-transcripts 3: every control-plane call of the SDK, each with an error.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { apiKey, e2b, startServer, test } from './support.mjs'

const { Sandbox } = e2b
let server
before(async () => (server = await startServer()))
after(async () => assert.equal(await server.stop(), 0))

const unknown = 'i' + '0'.repeat(19)

test('create without options', async () => {
  const sandbox = await Sandbox.create()
  assert.match(sandbox.sandboxId, /^i[a-z0-9]{20}$/)
  const info = await sandbox.getInfo()
  const seconds = (info.endAt - info.startedAt) / 1000
  assert.ok(Math.abs(seconds - 300) < 2, `the v2 default timeout is 300 s, not ${seconds}`)
  assert.equal(info.state, 'running')
  assert.equal(await sandbox.kill(), true)
})

test('create with everything', async () => {
  const sandbox = await Sandbox.create('base', {
    timeoutMs: 90_000,
    metadata: { a: '1', 'k y': 'v&=ü' },
    envs: { FOO: 'bar' },
    allowInternetAccess: false,
    lifecycle: { onTimeout: 'pause', autoResume: true },
  })
  const info = await sandbox.getInfo()
  assert.deepEqual({ ...info.metadata }, { a: '1', 'k y': 'v&=ü' })
  assert.equal((await sandbox.commands.run('echo $FOO $E2B_SANDBOX $E2B_SANDBOX_ID')).stdout, `bar true ${sandbox.sandboxId}\n`)
  await sandbox.kill()
})

test('create: wrong key, unknown template, impossible timeout', async () => {
  await assert.rejects(Sandbox.create({ apiKey: 'e2b_' + 'f'.repeat(40) }), (e) => e instanceof e2b.AuthenticationError)
  await assert.rejects(Sandbox.create('no-such-template'), (e) => e instanceof e2b.SandboxError && /404/.test(e.message))
  await assert.rejects(Sandbox.create({ timeoutMs: 25 * 3600 * 1000 }), (e) => e instanceof e2b.SandboxError && /400/.test(e.message))
})

test('create: 429 without Retry-After is not retried, with it it is', async () => {
  await server.faults({ route: 'POST /v2/sandboxes', nth: 1, action: { type: 'status', status: 429 } })
  await assert.rejects(Sandbox.create(), (e) => e instanceof e2b.RateLimitError)
  await server.faults({ route: 'POST /v2/sandboxes', nth: 1, action: { type: 'status', status: 429, retry_after: 1 } })
  const sandbox = await Sandbox.create()
  await sandbox.kill()
  await server.faults({ route: 'POST /v2/sandboxes', nth: 1, action: { type: 'status', status: 503 } })
  await assert.rejects(Sandbox.create(), (e) => e instanceof e2b.ServiceBusyError)
  await server.faults()
})

test('connect never shortens, resumes a paused sandbox, refuses an unknown one', async () => {
  const sandbox = await Sandbox.create({ timeoutMs: 200_000 })
  const end = (await sandbox.getInfo()).endAt
  const again = await Sandbox.connect(sandbox.sandboxId, { timeoutMs: 10_000 })
  assert.deepEqual((await again.getInfo()).endAt, end)
  await sandbox.commands.run('echo kept > kept')
  assert.equal(await sandbox.pause(), true)
  const resumed = await Sandbox.connect(sandbox.sandboxId, { timeoutMs: 60_000 })
  assert.equal(await resumed.files.read('kept'), 'kept\n')
  await sandbox.connect()
  await sandbox.kill()
  await assert.rejects(Sandbox.connect(unknown), (e) => e instanceof e2b.SandboxNotFoundError)
})

test('kill, and kill again', async () => {
  const sandbox = await Sandbox.create()
  assert.equal(await sandbox.kill(), true)
  assert.equal(await Sandbox.kill(sandbox.sandboxId), false)
})

test('getInfo of a dead sandbox', async () => {
  await assert.rejects(Sandbox.getInfo(unknown), (e) => e instanceof e2b.SandboxNotFoundError)
})

test('getFullInfo', async () => {
  const sandbox = await Sandbox.create({ allowInternetAccess: false })
  assert.equal((await Sandbox.getFullInfo(sandbox.sandboxId)).sandboxId, sandbox.sandboxId)
  await sandbox.kill()
  await assert.rejects(Sandbox.getFullInfo(unknown), (e) => e instanceof e2b.SandboxError)
})

test('updateNetwork replaces the rules', async () => {
  const sandbox = await Sandbox.create()
  await sandbox.updateNetwork({ denyOut: ['0.0.0.0/0'], allowOut: ['10.0.0.1/32'] })
  const { network } = (await server.sandboxes()).find((s) => s.sandboxID === sandbox.sandboxId)
  assert.deepEqual([network.allowOut, network.denyOut], [['10.0.0.1/32'], ['0.0.0.0/0']])
  await assert.rejects(sandbox.updateNetwork({ allowOut: ['example.org'] }), (e) => e instanceof e2b.SandboxError && /400/.test(e.message))
  await sandbox.kill()
  await assert.rejects(sandbox.updateNetwork({}), (e) => e instanceof e2b.SandboxError)
})

test('setTimeout really kills', async () => {
  const sandbox = await Sandbox.create()
  await sandbox.setTimeout(45_000)
  const left = (await sandbox.getInfo()).endAt - Date.now()
  assert.ok(left > 40_000 && left < 46_000)
  const refused = assert.rejects(sandbox.commands.run('sleep 60'), (e) => e instanceof e2b.TimeoutError)
  await sandbox.setTimeout(1_000)
  await refused
  assert.equal(await sandbox.isRunning(), false)
  await assert.rejects(sandbox.setTimeout(1_000), (e) => e instanceof e2b.SandboxNotFoundError)
})

test('setTimeout beyond the maximum of the plan is cut down without a word', async () => {
  const sandbox = await Sandbox.create()
  await sandbox.setTimeout(25 * 3600 * 1000)
  const info = await sandbox.getInfo()
  assert.ok(Math.abs((info.endAt - info.startedAt) / 1000 - 24 * 3600) < 2)
  await sandbox.kill()
})

test('pause stops processes, resume continues them, a second pause is false', async () => {
  const sandbox = await Sandbox.create()
  await sandbox.commands.run('while true; do date +%s%N >> ticks; sleep 0.02; done', { background: true })
  await sandbox.commands.run('until [ -s ticks ]; do sleep 0.02; done')
  assert.equal(await sandbox.betaPause(), true)
  assert.equal(await sandbox.pause(), false)
  assert.equal(await sandbox.isRunning(), false)
  assert.equal((await sandbox.getInfo()).state, 'paused')
  await sandbox.connect()
  const before = (await sandbox.files.read('ticks')).length
  await sandbox.commands.run(`until [ $(stat -c %s ticks) -gt ${before} ]; do sleep 0.02; done`)
  await sandbox.kill()
  await assert.rejects(Sandbox.pause(unknown), (e) => e instanceof e2b.SandboxNotFoundError)
  await assert.rejects(Sandbox.betaPause(unknown), (e) => e instanceof e2b.SandboxNotFoundError)
})

test('list with paging, metadata and state', async () => {
  const key = { job: 'list & ü', 'k y': 'v&=' }
  const made = []
  for (let i = 0; i < 3; ++i) made.push(await Sandbox.create({ metadata: key }))
  const other = await Sandbox.create()
  await made[2].pause()
  const seen = []
  const pages = Sandbox.list({ query: { metadata: key }, limit: 1 })
  while (pages.hasNext) seen.push(...(await pages.nextItems()))
  assert.deepEqual(seen.map((s) => s.sandboxId), made.map((s) => s.sandboxId).reverse())
  const paused = await Sandbox.list({ query: { metadata: key, state: ['paused'] } }).nextItems()
  assert.deepEqual(paused.map((s) => s.sandboxId), [made[2].sandboxId])
  assert.ok((await Sandbox.list().nextItems()).some((s) => s.sandboxId === other.sandboxId))
  for (const sandbox of [...made, other]) await sandbox.kill()
  await assert.rejects(Sandbox.list({ limit: 1000 }).nextItems(), (e) => e instanceof e2b.SandboxError)
})

test('getMetrics', async () => {
  const sandbox = await Sandbox.create()
  const [sample] = await sandbox.getMetrics()
  assert.equal(sample.cpuCount, 2)
  assert.ok(sample.memTotal === 512 * 2 ** 20 && sample.memUsed >= 0)
  await sandbox.kill()
  await assert.rejects(Sandbox.getMetrics(unknown), (e) => e instanceof e2b.SandboxError)
})

test('fork and snapshots', async () => {
  const sandbox = await Sandbox.create()
  await sandbox.files.write('state', 'one')
  const [first, second] = await sandbox.fork({ count: 2 })
  assert.equal(await first.files.read('state'), 'one')
  await second.files.write('state', 'two')
  assert.equal(await sandbox.files.read('state'), 'one')
  const snapshot = await sandbox.createSnapshot({ name: 'my-snapshot' })
  const listed = await Sandbox.listSnapshots().nextItems()
  assert.ok(listed.some((s) => s.snapshotId === snapshot.snapshotId))
  const restored = await Sandbox.create(snapshot.snapshotId)
  assert.equal(await restored.files.read('state'), 'one')
  for (const each of [sandbox, first, second, restored]) await each.kill()
  assert.equal(await Sandbox.deleteSnapshot(snapshot.snapshotId), true)
  assert.equal(await Sandbox.deleteSnapshot(snapshot.snapshotId), false)
  await assert.rejects(Sandbox.createSnapshot(unknown), (e) => e instanceof e2b.SandboxError)
  await assert.rejects(Sandbox.fork(unknown), (e) => e instanceof e2b.SandboxError)
  await assert.rejects(Sandbox.listSnapshots({ limit: 1000 }).nextItems(), (e) => e instanceof e2b.SandboxError)
})

test('nothing of all this is left', async () => {
  assert.deepEqual(await server.sandboxes(), [])
  assert.ok((await server.requests()).every((r) => r.headers['x-api-key'] === undefined || r.headers['x-api-key'].length === apiKey.length))
})
