// e2b-sdk-transcripts 6: the official CLI (which bundles an older SDK, hence the first REST generation).
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { cli, e2b, startServer, test, until } from './support.mjs'

let server, id
before(async () => (server = await startServer()))
after(async () => assert.equal(await server.stop(), 0))

const run = (...args) => cli(args).done
const unknown = 'i' + '0'.repeat(19)

test('sandbox create --detach, list, info', async () => {
  const made = await run('sandbox', 'create', 'base', '--detach')
  assert.equal(made.code, 0, made.err)
  id = made.out.trim().match(/i[a-z0-9]{20}/)[0]
  const list = await run('sandbox', 'list', '--format', 'json')
  assert.deepEqual(JSON.parse(list.out).map((s) => s.sandboxId), [id])
  assert.match((await run('sandbox', 'list')).out, new RegExp(id))
  assert.equal(JSON.parse((await run('sandbox', 'info', id, '--format', 'json')).out).sandboxId, id)
  assert.equal((await run('sandbox', 'create', 'no-such-template', '--detach')).code, 1)
  assert.equal((await run('sandbox', 'info', unknown)).code, 1)
})

test('sandbox exec: output, exit code, user, pipe, background', async () => {
  const both = await run('sandbox', 'exec', id, 'echo hi; echo err >&2; exit 5')
  assert.deepEqual([both.out, both.err.split('\n')[0], both.code], ['hi\n', 'err', 5])
  const other = await run('sandbox', 'exec', '-u', 'root', '-c', '/tmp', '-e', 'A=1', id, 'id -un; pwd; echo $A')
  assert.equal(other.out, `${server.users.includes('root') ? 'root' : 'user'}\n/tmp\n1\n`)
  assert.equal((await cli(['sandbox', 'exec', id, 'cat'], { input: 'abc\n' }).done).out, 'abc\n')
  const background = await run('sandbox', 'exec', '-b', id, 'sleep 20')
  assert.equal(background.code, 0)
  assert.match(background.err, /\d+/)
  for (const refused of [run('sandbox', 'exec', unknown, 'true'), run('sandbox', 'exec', '-b', unknown, 'true'), cli(['sandbox', 'exec', unknown, 'cat'], { input: 'x' }).done])
    assert.equal((await refused).code, 1)
})

test('sandbox logs and metrics', async () => {
  const logs = (await run('sandbox', 'logs', id)).out
  assert.match(logs, /sandbox created/)
  assert.match(logs, /SendInput.*YWJjCg==/, 'what the pipe carried: envd logs its unary calls')
  assert.equal((await run('sandbox', 'logs', id, '--format', 'json')).code, 0)
  const metrics = await run('sandbox', 'metrics', id)
  assert.equal(metrics.code, 0, metrics.err)
  assert.notEqual((await run('sandbox', 'metrics', unknown)).code, 0)
  assert.notEqual((await run('sandbox', 'logs', unknown)).code, 0)
})

test('sandbox pause and resume', async () => {
  assert.equal((await run('sandbox', 'pause', id)).code, 0)
  assert.equal(JSON.parse((await run('sandbox', 'info', id, '--format', 'json')).out).state, 'paused')
  assert.equal((await run('sandbox', 'resume', id)).code, 0)
  assert.equal((await run('sandbox', 'exec', id, 'echo back')).out, 'back\n')
  assert.notEqual((await run('sandbox', 'resume', unknown)).code, 0)
  const unpaused = await run('sandbox', 'pause', unknown)
  assert.ok(unpaused.code !== 0 || /not found|doesn't exist|wasn't found/i.test(unpaused.err), unpaused.err)
})

test('sandbox connect and create, with a terminal', async () => {
  for (const args of [['sandbox', 'connect', id], ['sandbox', 'create', 'base']]) {
    const session = cli(args, { terminal: true, input: true })
    await until('the prompt', () => session.out.includes('$ '))
    session.child.stdin.write('echo in-$((40+2))\r')
    await until('the answer', () => session.out.includes('in-42'))
    session.child.stdin.write('exit\r')
    await session.done
    assert.equal(session.code, 0, session.out)
  }
  assert.notEqual((await cli(['sandbox', 'connect', unknown], { terminal: true }).done).code, 0)
  assert.notEqual((await cli(['sandbox', 'create', 'no-such-template'], { terminal: true }).done).code, 0)
})

test('template list', async () => {
  const list = await run('template', 'list')
  assert.equal(list.code, 0, list.err)
  assert.match(list.out, /base/)
})

test('template create, publish, unpublish, delete', async () => {
  const context = mkdtempSync(join(tmpdir(), 'osiris-e2b-cli-'))
  writeFileSync(join(context, 'e2b.Dockerfile'), 'FROM e2bdev/base\nRUN echo built > /home/user/proof\nCOPY a.txt /opt/a.txt\n')
  writeFileSync(join(context, 'a.txt'), 'copied\n')
  const made = await run('template', 'create', 'by-cli', '-p', context)
  assert.equal(made.code, 0, made.out + made.err)
  const sandbox = await e2b.Sandbox.create('by-cli')
  assert.equal(await sandbox.files.read('/home/user/proof'), 'built\n')
  assert.equal(await sandbox.files.read('/opt/a.txt'), 'copied\n')
  await sandbox.kill()
  const shown = async () => JSON.parse((await run('template', 'list', '--format', 'json')).out).find((t) => t.aliases?.includes('by-cli'))
  assert.equal((await shown()).public, false)
  assert.equal((await run('template', 'publish', 'by-cli', '-y')).code, 0)
  assert.equal((await shown()).public, true)
  assert.equal((await run('template', 'unpublish', 'by-cli', '-y')).code, 0)
  assert.equal((await shown()).public, false)
  assert.equal((await run('template', 'delete', 'by-cli', '-y')).code, 0)
  assert.equal(await shown(), undefined)
  for (const command of ['publish', 'unpublish', 'delete']) {
    const refused = await run('template', command, 'by-cli', '-y')
    assert.equal(refused.code, 1, command)
    assert.match(refused.err, /template 'by-cli' not found/)
  }
  writeFileSync(join(context, 'e2b.Dockerfile'), 'FROM e2bdev/base\nRUN exit 9\n')
  const failed = await run('template', 'create', 'by-cli', '-p', context)
  assert.notEqual(failed.code, 0)
  assert.match(failed.out + failed.err, /failed to run command 'exit 9': exit status 9/)
  rmSync(context, { recursive: true })
})

test('sandbox snapshot create, list, delete', async () => {
  const made = await run('sandbox', 'snapshot', 'create', id)
  assert.equal(made.code, 0, made.err)
  const listed = await run('sandbox', 'snapshot', 'list', '--format', 'json')
  const [snapshot] = JSON.parse(listed.out)
  assert.equal((await run('sandbox', 'snapshot', 'delete', snapshot.snapshotId)).code, 0)
  assert.notEqual((await run('sandbox', 'snapshot', 'create', unknown)).code, 0)
  const again = await run('sandbox', 'snapshot', 'delete', snapshot.snapshotId)
  assert.ok(again.code !== 0 || /not found|doesn't exist|wasn't found/i.test(again.err), again.err)
})

test('sandbox kill, kill again, kill --all', async () => {
  assert.equal((await run('sandbox', 'kill', id)).code, 0)
  assert.equal((await run('sandbox', 'kill', id)).code, 0)
  await e2b.Sandbox.create()
  assert.equal((await run('sandbox', 'kill', '--all')).code, 0)
  await until('all to be gone', async () => (await server.sandboxes()).length === 0)
})

test('a wrong key', async () => {
  for (const args of [['sandbox', 'list'], ['template', 'list'], ['sandbox', 'snapshot', 'list'], ['sandbox', 'kill', '--all']]) {
    const refused = await cli(args, { env: { E2B_API_KEY: 'e2b_' + 'f'.repeat(40) } }).done
    assert.equal(refused.code, 1, args.join(' '))
    assert.match(refused.err + refused.out, /Unauthorized|credentials|API key/)
  }
})
