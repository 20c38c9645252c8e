// e2b-sdk-transcripts 4, processes and terminals.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { e2b, hasNamespaces, startServer, test, until } from './support.mjs'

const { Sandbox } = e2b
let server, sandbox
before(async () => {
  server = await startServer()
  sandbox = await Sandbox.create()
})
after(async () => assert.equal(await server.stop(), 0))

test('run: both streams, exit code 0 and 3', async () => {
  const result = await sandbox.commands.run('echo out; echo err >&2')
  assert.deepEqual([result.stdout, result.stderr, result.exitCode], ['out\n', 'err\n', 0])
  await assert.rejects(sandbox.commands.run('echo last; exit 3'), (e) => e instanceof e2b.CommandExitError && e.exitCode === 3 && e.stdout === 'last\n')
})

test('run: directory, variables, users', async () => {
  assert.equal((await sandbox.commands.run('id -un; pwd; echo $HOME')).stdout, 'user\n/home/user\n/home/user\n')
  const asRoot = await sandbox.commands.run('id -un; pwd; echo $A', { cwd: '/tmp', envs: { A: 'b' }, user: 'root', timeoutMs: 0 })
  assert.equal(asRoot.stdout, `${server.users.includes('root') ? 'root' : 'user'}\n/tmp\nb\n`)
  await assert.rejects(sandbox.commands.run('true', { cwd: '/nowhere' }), (e) => e instanceof e2b.InvalidArgumentError)
  await assert.rejects(sandbox.commands.run('true', { user: 'nobody-here' }), (e) => e instanceof e2b.AuthenticationError && /invalid username: 'nobody-here'/.test(e.message))
})

test('run: bytes that are no UTF-8, and 8 MB of output', async () => {
  assert.equal((await sandbox.commands.run("printf '\\377\\376\\000a'")).stdout.length, 4)
  const many = await sandbox.commands.run("head -c 8000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2")
  assert.equal(many.stdout.length, 8_000_000)
  assert.equal(many.stderr.length, 100_000)
})

test('run: onStdout as it comes', async () => {
  const parts = []
  await sandbox.commands.run('echo one; sleep 0.2; echo two', { onStdout: (part) => void parts.push(part) })
  assert.equal(parts.join(''), 'one\ntwo\n')
})

test('run: the deadline kills', async () => {
  await assert.rejects(sandbox.commands.run('echo $$ > deadline; exec sleep 30', { timeoutMs: 2000 }), (e) => e instanceof e2b.TimeoutError)
  const pid = (await sandbox.files.read('deadline')).trim()
  await until('the process to be killed', async () => !(await sandbox.commands.list()).some((p) => String(p.pid) === pid))
})

test('background, stdin, list, connect, kill', async () => {
  const handle = await sandbox.commands.run('cat', { background: true, stdin: true, timeoutMs: 20_000 })
  const listed = (await sandbox.commands.list()).find((p) => p.pid === handle.pid)
  assert.deepEqual([listed.cmd, listed.args], ['/bin/bash', ['-l', '-c', 'cat']])
  await sandbox.commands.sendStdin(handle.pid, 'héllo\n')
  await until('the echo', () => handle.stdout === 'héllo\n')
  await handle.disconnect()
  const again = await sandbox.commands.connect(handle.pid)
  await handle.sendStdin(new Uint8Array([0x41, 0x42, 0x0a]))
  await until('the second echo', () => again.stdout === 'AB\n')
  await sandbox.commands.closeStdin(handle.pid)
  assert.equal((await again.wait()).exitCode, 0)
  await assert.rejects(sandbox.commands.sendStdin(handle.pid, 'x'), (e) => e instanceof e2b.NotFoundError)
  await assert.rejects(sandbox.commands.closeStdin(999999), (e) => e instanceof e2b.NotFoundError)
})

test('kill: SIGKILL shows as exit code -1, an unknown pid as false', async () => {
  const handle = await sandbox.commands.run('sleep 30', { background: true })
  assert.equal(await sandbox.commands.kill(handle.pid), true)
  await assert.rejects(handle.wait(), (e) => e instanceof e2b.CommandExitError && e.exitCode === -1 && e.error === 'signal: killed')
  assert.equal(await sandbox.commands.kill(999999), false)
  await assert.rejects(sandbox.commands.connect(999999), (e) => e instanceof e2b.NotFoundError)
})

test('a handle closes stdin and kills', async () => {
  const handle = await sandbox.commands.run('wc -c', { background: true, stdin: true })
  await handle.sendStdin('12345')
  await handle.closeStdin()
  assert.equal((await handle.wait()).stdout, '5\n')
  assert.equal(await handle.kill(), false)
  await assert.rejects(handle.sendStdin('x'), (e) => e instanceof e2b.NotFoundError)
  await assert.rejects(handle.closeStdin(), (e) => e instanceof e2b.NotFoundError)
})

test('a late connect still gets the end', async () => {
  const handle = await sandbox.commands.run('exit 7', { background: true })
  await assert.rejects(handle.wait(), (e) => e.exitCode === 7)
  const late = await sandbox.commands.connect(handle.pid)
  await assert.rejects(late.wait(), (e) => e instanceof e2b.CommandExitError && e.exitCode === 7)
})

test('the end waits for children that hold the pipe', async () => {
  const result = await sandbox.commands.run('(sleep 0.5; echo child) & echo leader')
  assert.equal(result.stdout, 'leader\nchild\n')
})

test('pty: create, input, resize, kill', async () => {
  let seen = ''
  const decoder = new TextDecoder()
  const pty = await sandbox.pty.create({ cols: 80, rows: 24, onData: (data) => void (seen += decoder.decode(data)), timeoutMs: 20_000 })
  const say = (text) => sandbox.pty.sendInput(pty.pid, new TextEncoder().encode(text))
  await say('stty size\n')
  await until('the size', () => seen.includes('24 80'))
  await sandbox.pty.resize(pty.pid, { cols: 100, rows: 40 })
  await say('stty size; tty\n')
  await until('the new size', () => seen.includes('40 100') && seen.includes('/dev/pts/'))
  const other = await sandbox.pty.connect(pty.pid, { onData: () => {} })
  await other.disconnect()
  await say('exit 5\n')
  await assert.rejects(pty.wait(), (e) => e instanceof e2b.CommandExitError && e.exitCode === 5)
  const killed = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} })
  assert.equal(await sandbox.pty.kill(killed.pid), true)
  await assert.rejects(killed.wait(), (e) => e.exitCode === -1)
  await assert.rejects(sandbox.pty.resize(999999, { cols: 1, rows: 1 }), (e) => e instanceof e2b.NotFoundError)
})

test('stdin to a terminal and a terminal to stdin are refused', async () => {
  const plain = await sandbox.commands.run('sleep 20', { background: true })
  await assert.rejects(sandbox.pty.sendInput(plain.pid, new Uint8Array([1])), (e) => e instanceof e2b.SandboxError)
  await assert.rejects(sandbox.commands.sendStdin(plain.pid, 'x'), (e) => e instanceof e2b.SandboxError)
  await plain.kill()
})

test('a sandbox killed during a run', async () => {
  const doomed = await Sandbox.create()
  const refused = assert.rejects(doomed.commands.run('sleep 30'), (e) => e instanceof e2b.TimeoutError)
  await until('the process', async () => (await doomed.commands.list()).length === 1)
  await doomed.kill()
  await refused
  assert.equal(await doomed.isRunning(), false)
  await assert.rejects(doomed.commands.run('echo'), (e) => e instanceof e2b.SandboxNotFoundError)
})

test('nothing runs in a dead sandbox', async () => {
  const dead = await Sandbox.create()
  await dead.kill()
  const bytes = new Uint8Array([1])
  for (const call of [
    () => dead.commands.list(),
    () => dead.commands.sendStdin(1, 'x'),
    () => dead.commands.closeStdin(1),
    () => dead.commands.kill(1),
    () => dead.pty.sendInput(1, bytes),
    () => dead.pty.resize(1, { cols: 1, rows: 1 }),
    () => dead.pty.kill(1),
  ])
    await assert.rejects(call, (e) => e instanceof e2b.TimeoutError, String(call))
  for (const call of [() => dead.commands.connect(1), () => dead.pty.create({ cols: 1, rows: 1, onData: () => {} }), () => dead.pty.connect(1, { onData: () => {} })])
    await assert.rejects(call, (e) => e instanceof e2b.SandboxNotFoundError, String(call))
})

test('isolation: another sandbox sees neither files nor processes', async (t) => {
  if (!hasNamespaces(t, server)) return
  const other = await Sandbox.create()
  await sandbox.files.write('/tmp/mine', 'x')
  const handle = await sandbox.commands.run('sleep 20', { background: true })
  assert.equal(await other.files.exists('/tmp/mine'), false)
  assert.equal((await other.commands.run('ls /home/user /tmp')).stdout, '/home/user:\n\n/tmp:\n')
  assert.ok(!(await other.commands.run('cat /proc/[0-9]*/cmdline')).stdout.includes('sleep'))
  await assert.rejects(other.commands.connect(handle.pid), (e) => e instanceof e2b.NotFoundError)
  assert.equal(await other.commands.kill(handle.pid), false)
  assert.equal(await handle.kill(), true)
  await other.kill()
})
