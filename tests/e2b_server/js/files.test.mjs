// e2b-sdk-transcripts 4, files: contents, entries, watching, signed addresses.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { e2b, hasNamespaces, note, startServer, test, until } from './support.mjs'

const { Sandbox } = e2b
let server, sandbox
before(async () => {
  server = await startServer()
  sandbox = await Sandbox.create()
})
after(async () => assert.equal(await server.stop(), 0))

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

test('write and read: text, bytes, blobs, streams, empty', async () => {
  const written = await sandbox.files.write('dir/hello.txt', 'hello wörld')
  assert.deepEqual([written.path, written.name, written.type], ['/home/user/dir/hello.txt', 'hello.txt', 'file'])
  assert.equal(await sandbox.files.read('dir/hello.txt'), 'hello wörld')
  await sandbox.files.write('/tmp/abs.bin', new Uint8Array([0, 255, 13, 10, 45, 45]).buffer, { user: 'root' })
  assert.deepEqual([...(await sandbox.files.read('/tmp/abs.bin', { format: 'bytes' }))], [0, 255, 13, 10, 45, 45])
  await sandbox.files.write('st.bin', new Blob(['streamed']).stream())
  assert.equal(await (await sandbox.files.read('st.bin', { format: 'blob' })).text(), 'streamed')
  await sandbox.files.write('oct.bin', 'octets', { useOctetStream: true })
  await sandbox.files.write('gz.txt', 'zipped', { gzip: true })
  assert.equal(await sandbox.files.read('gz.txt'), 'zipped')
  assert.equal(await sandbox.files.read('gz.txt', { gzip: true }), 'zipped')
  await sandbox.files.write('empty.txt', '')
  assert.equal(await sandbox.files.read('empty.txt'), '')
  assert.equal(new TextDecoder().decode(await new Response(await sandbox.files.read('oct.bin', { format: 'stream' })).arrayBuffer()), 'octets')
})

test('read of what is not there, of a directory, as nobody', async () => {
  await assert.rejects(sandbox.files.read('missing.txt'), (e) => e instanceof e2b.FileNotFoundError)
  await assert.rejects(sandbox.files.read('/home'), (e) => e instanceof e2b.InvalidArgumentError)
  const unknown = /error looking up user 'nobody-here': user: unknown user nobody-here/
  await assert.rejects(sandbox.files.read('a', { user: 'nobody-here' }), (e) => e instanceof e2b.AuthenticationError && unknown.test(e.message))
  await assert.rejects(sandbox.files.write('a', 'x', { user: 'nobody-here' }), (e) => e instanceof e2b.AuthenticationError && unknown.test(e.message))
  await assert.rejects(sandbox.files.list('.', { user: 'nobody-here' }), (e) => e instanceof e2b.AuthenticationError && /invalid username: 'nobody-here'/.test(e.message))
})

test('write over a directory, and with a full disk', async () => {
  await assert.rejects(sandbox.files.write('/home/user', 'x'), (e) => e instanceof e2b.InvalidArgumentError)
  await server.faults({ route: 'POST /files', nth: 1, action: { type: 'status', status: 507 } })
  await assert.rejects(sandbox.files.write('x', 'x'), (e) => e instanceof e2b.NotEnoughSpaceError)
  await server.faults()
})

test('many files at once, with paths of every kind', async () => {
  const paths = ['a.txt', 'sub dir/ü b.txt', '深い/道/🙂.txt', "it's.txt", 'per%20cent.txt', 'plus+and&.txt']
  await sandbox.files.writeFiles(paths.map((path) => ({ path, data: `in ${path}` })))
  await sandbox.files.write([{ path: 'by-write.txt', data: 'too' }])
  for (const path of paths) assert.equal(await sandbox.files.read(path), `in ${path}`)
})

test('64 MB there and back', async () => {
  const bytes = randomBytes(64 * 2 ** 20)
  await sandbox.files.write('big.bin', new Blob([bytes]))
  const back = await sandbox.files.read('big.bin', { format: 'bytes' })
  assert.equal(sha256(back), sha256(bytes))
  assert.equal((await sandbox.commands.run('sha256sum < big.bin')).stdout.slice(0, 64), sha256(bytes))
})

test('a download that is cut is an error, not a short file', async () => {
  await server.faults({ route: 'GET /files', nth: 1, action: { type: 'reset', when: 'middle', after_bytes: 1000 } })
  await assert.rejects(sandbox.files.read('big.bin', { format: 'bytes' }))
  await server.faults()
})

test('a file without a size is read to its end', async (t) => {
  if (!hasNamespaces(t, server)) return
  const expected = (await sandbox.commands.run('cat /proc/version')).stdout
  assert.ok(expected.length > 0)
  assert.equal(await sandbox.files.read('/proc/version'), expected)
  assert.equal(await sandbox.files.read('/proc/version', { gzip: true }), expected)
})

test('metadata is replaced by the next upload', async () => {
  const written = await sandbox.files.write('meta.txt', 'm', { metadata: { author: 'me' } })
  assert.deepEqual(written.metadata, { author: 'me' })
  assert.deepEqual((await sandbox.files.getInfo('meta.txt')).metadata, { author: 'me' })
  assert.deepEqual((await sandbox.files.write('meta.txt', 'm', { metadata: { kind: 'new' } })).metadata, { kind: 'new' })
  assert.deepEqual((await sandbox.files.getInfo('meta.txt')).metadata, { kind: 'new' })
  assert.equal((await sandbox.files.write('meta.txt', 'm')).metadata, undefined)
  assert.equal((await sandbox.files.getInfo('meta.txt')).metadata, undefined)
})

test('list, getInfo, exists', async () => {
  await sandbox.commands.run('mkdir -p tree/in/side; echo 1234 > tree/f; ln -s f tree/link; ln -s nowhere tree/broken; chmod 640 tree/f')
  const flat = await sandbox.files.list('tree')
  assert.deepEqual(flat.map((e) => e.name).filter((n) => n !== 'broken'), ['f', 'in', 'link'])
  const deep = await sandbox.files.list('tree', { depth: 3 })
  assert.ok(deep.some((e) => e.path === '/home/user/tree/in/side'))
  const info = await sandbox.files.getInfo('tree/f')
  assert.deepEqual([info.type, info.size, info.mode, info.permissions, info.owner, info.group], ['file', 5, 0o640, '-rw-r-----', 'user', 'user'])
  assert.equal((await sandbox.files.getInfo('tree/link')).symlinkTarget, '/home/user/tree/f')
  assert.equal(await sandbox.files.exists('tree/in'), true)
  assert.equal(await sandbox.files.exists('tree/out'), false)
  await assert.rejects(sandbox.files.list('tree/f'), (e) => e instanceof e2b.InvalidArgumentError)
  await assert.rejects(sandbox.files.list('no-tree'), (e) => e instanceof e2b.FileNotFoundError)
  await assert.rejects(sandbox.files.getInfo('no-tree'), (e) => e instanceof e2b.FileNotFoundError)
})

test('makeDir, rename, remove', async () => {
  assert.equal(await sandbox.files.makeDir('x/y/z'), true)
  assert.equal(await sandbox.files.makeDir('x/y/z'), false)
  await sandbox.files.write('x/old', 'o')
  assert.equal((await sandbox.files.rename('x/old', 'x/q/new')).path, '/home/user/x/q/new')
  await assert.rejects(sandbox.files.rename('x/old', 'x/other'), (e) => e instanceof e2b.FileNotFoundError)
  await sandbox.files.remove('x/q')
  await sandbox.files.remove('x/q')
  assert.equal(await sandbox.files.exists('x/q'), false)
  await assert.rejects(sandbox.files.makeDir('meta.txt/under'), (e) => e instanceof e2b.SandboxError)
})

test('watchDir, recursive, with entries', async () => {
  await sandbox.files.makeDir('watched/sub')
  const events = []
  const watch = await sandbox.files.watchDir('watched', (event) => void events.push(event), { recursive: true, includeEntry: true, timeoutMs: 0 })
  const saw = (type, name) => until(`${type} ${name}`, () => events.some((e) => e.type === type && e.name === name))
  await sandbox.files.write('watched/new.txt', '1')
  await saw('create', 'new.txt')
  await saw('write', 'new.txt')
  await saw('chmod', 'new.txt')
  await sandbox.commands.run('chmod 600 watched/new.txt; mv watched/new.txt watched/sub/newer.txt; rm watched/sub/newer.txt; mkdir watched/late')
  await saw('rename', 'new.txt')
  await saw('create', 'sub/newer.txt')
  await saw('remove', 'sub/newer.txt')
  await saw('create', 'late')
  assert.equal(events.find((e) => e.type === 'create' && e.name === 'new.txt').entry.path, '/home/user/watched/new.txt')
  await watch.stop()
  await assert.rejects(sandbox.files.watchDir('unwatched', () => {}), (e) => e instanceof e2b.FileNotFoundError)
  await assert.rejects(sandbox.files.watchDir('meta.txt', () => {}), (e) => e instanceof e2b.InvalidArgumentError)
})

test('signed addresses: read, write, expired, forged', async () => {
  await sandbox.files.write('dir/hello.txt', 'signed')
  const link = await sandbox.downloadUrl('dir/hello.txt', { useSignatureExpiration: 60 })
  assert.equal(await (await fetch(link)).text(), 'signed')
  const form = new FormData()
  form.append('file', new Blob(['up']), 'up.txt')
  const upload = await fetch(await sandbox.uploadUrl('up.txt'), { method: 'POST', body: form })
  assert.equal(upload.status, 200)
  assert.equal(await sandbox.files.read('up.txt'), 'up')
  const signature = await e2b.getSignature({ path: 'dir/hello.txt', operation: 'read', envdAccessToken: sandbox.envdAccessToken, expirationInSeconds: -100 })
  const late = new URL(link)
  late.searchParams.set('signature', signature.signature)
  late.searchParams.set('signature_expiration', String(signature.expiration))
  const expired = await fetch(late)
  note('Sandbox.downloadUrl', expired.status === 401 ? 'refused' : 'done', `HTTP ${expired.status}`)
  assert.deepEqual([expired.status, (await expired.json()).message], [401, 'signature is already expired'])
  late.searchParams.set('signature', 'v1_forged')
  assert.equal((await fetch(late)).status, 401)
  const forged = new URL(await sandbox.uploadUrl('up.txt'))
  forged.searchParams.set('path', 'other.txt')
  const refused = await fetch(forged, { method: 'POST', body: form })
  note('Sandbox.uploadUrl', refused.status === 401 ? 'refused' : 'done', `HTTP ${refused.status}`)
  assert.equal(refused.status, 401)
  assert.equal(await sandbox.files.exists('other.txt'), false)
})

test('without its token a sandbox is closed', async () => {
  const answer = await fetch(`${server.url}/files?path=a.txt`, {
    headers: { 'e2b-sandbox-id': sandbox.sandboxId, 'e2b-sandbox-port': '49983', 'x-access-token': 'wrong' },
  })
  assert.equal(answer.status, 401)
  const rpc = await fetch(`${server.url}/process.Process/List`, {
    method: 'POST',
    headers: { 'e2b-sandbox-id': sandbox.sandboxId, 'e2b-sandbox-port': '49983', 'content-type': 'application/json' },
    body: '{}',
  })
  assert.equal(rpc.status, 401)
})

test('isRunning', async () => {
  assert.equal(await sandbox.isRunning(), true)
  await sandbox.kill()
  assert.equal(await sandbox.isRunning(), false)
  const { files } = sandbox
  for (const call of [
    () => files.read('a.txt'),
    () => files.write('a.txt', 'x'),
    () => files.writeFiles([{ path: 'a.txt', data: 'x' }]),
    () => files.list('.'),
    () => files.makeDir('d'),
    () => files.rename('a.txt', 'b.txt'),
    () => files.remove('a.txt'),
    () => files.exists('a.txt'),
    () => files.getInfo('a.txt'),
  ])
    await assert.rejects(call, (e) => e instanceof e2b.TimeoutError, String(call))
  await assert.rejects(files.watchDir('.', () => {}), (e) => e instanceof e2b.SandboxNotFoundError)
})
