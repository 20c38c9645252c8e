// Template builds by the SDK: COPY, RUN, ENV, WORKDIR, USER, start command, shape; tags; failures.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { e2b, startServer, test } from './support.mjs'

const { Sandbox, Template } = e2b
let server, context
before(async () => {
  server = await startServer()
  context = mkdtempSync(join(tmpdir(), 'osiris-e2b-context-'))
  writeFileSync(join(context, 'a.txt'), 'hello\n')
  mkdirSync(join(context, 'd/inner'), { recursive: true })
  writeFileSync(join(context, 'd/inner/b.txt'), 'deep\n')
})
after(async () => {
  rmSync(context, { recursive: true })
  assert.equal(await server.stop(), 0)
})

test('a build with every kind of step', async () => {
  const logs = []
  const template = Template({ fileContextPath: context })
    .fromTemplate('base')
    .setEnvs({ A: '1', B: 'two $A' })
    .copy('a.txt', '/opt/app/')
    .copy('d', '/opt/app/d', { user: 'root', mode: 0o755 })
    .setWorkdir('/opt/app')
    .runCmd('echo "$B in $(pwd) as $(id -un)" > /home/user/proof')
    .runCmd('echo built > /usr/local/share/built', { user: 'root' })
    .setStartCmd('echo $A > /tmp/started; sleep infinity', e2b.waitForFile('/tmp/started'))
  const build = await Template.build(template, 'my-tmpl:v1', { cpuCount: 4, memoryMB: 2048, onBuildLogs: (entry) => void logs.push(entry.message) })
  assert.ok(build.templateId && build.buildId)
  assert.ok(logs.length > 0)

  const sandbox = await Sandbox.create('my-tmpl:v1')
  assert.equal(await sandbox.files.read('/opt/app/a.txt'), 'hello\n')
  assert.equal(await sandbox.files.read('/opt/app/d/inner/b.txt'), 'deep\n')
  assert.equal(await sandbox.files.read('/home/user/proof'), 'two 1 in /opt/app as user\n')
  assert.equal(await sandbox.files.read('/usr/local/share/built'), 'built\n')
  assert.equal(await sandbox.files.read('/tmp/started'), '1\n')
  assert.ok((await sandbox.commands.list()).some((p) => p.args.join(' ').includes('sleep infinity')))
  assert.equal((await sandbox.commands.run('echo "[$A]"')).stdout, '[]\n', 'a template ENV is not seen by later processes')
  const info = await sandbox.getInfo()
  assert.deepEqual([info.cpuCount, info.memoryMB], [4, 2048])
  await sandbox.files.write('/opt/app/a.txt', 'changed', { user: 'root' })
  const second = await Sandbox.create('my-tmpl')
  assert.equal(await second.files.read('/opt/app/a.txt'), 'hello\n', 'sandboxes do not share files')
  await sandbox.kill()
  await second.kill()
})

test('exists, tags, a second build under the same name', async () => {
  assert.equal(await Template.exists('my-tmpl'), true)
  assert.equal(await Template.exists('never-built'), false)
  assert.equal(await Template.aliasExists('my-tmpl'), true)
  assert.equal(await Template.aliasExists('never-built'), false)
  const tagged = await Template.assignTags('my-tmpl:v1', ['stable'])
  assert.deepEqual(tagged.tags, ['stable'])
  const found = await Template.getTags('my-tmpl')
  assert.ok(found.some((t) => t.tag === 'stable'))
  await Template.removeTags('my-tmpl', ['stable'])
  await assert.rejects(Template.assignTags('never-built:v1', ['x']), /404|not found/)
  await assert.rejects(Template.assignTags('my-tmpl:v1', ['Not A Tag']), /400|tag/i)
  await assert.rejects(Template.getTags('never-built'), /404|not found/)
  await assert.rejects(Template.removeTags('never-built', ['x']), /404|not found/)
  await Template.build(Template({ fileContextPath: context }).fromTemplate('base').copy('a.txt', 'again.txt'), 'my-tmpl:v2')
  const sandbox = await Sandbox.create('my-tmpl:v2')
  assert.equal(await sandbox.files.read('again.txt'), 'hello\n')
  await sandbox.kill()
})

test('in the background, with its status', async () => {
  const info = await Template.buildInBackground(Template().fromTemplate('base').runCmd('true'), 'background-tmpl')
  let status
  do status = await Template.getBuildStatus(info)
  while (status.status === 'building' || status.status === 'waiting')
  assert.equal(status.status, 'ready')
  await assert.rejects(Template.getBuildStatus({ ...info, buildId: '00000000-0000-4000-8000-0000000000ff' }), /404|not found/)
  await assert.rejects(Template.buildInBackground(Template().fromTemplate('base'), 'odd', { cpuCount: 5 }), /400|CPU/)
})

test('a failing step, an impossible shape, an unknown base', async () => {
  await assert.rejects(Template.build(Template().fromTemplate('base').runCmd('exit 9'), 'failing'), (e) => e instanceof e2b.BuildError && e.message.includes("failed to run command 'exit 9': exit status 9"))
  await assert.rejects(
    Template.build(Template().fromTemplate('base').runCmd('whoami', { user: 'root123' }), 'nobody'),
    (e) => e instanceof e2b.BuildError && e.message.includes("failed to run command 'whoami': command failed: unauthenticated: invalid username: 'root123'"),
  )
  await assert.rejects(Template.build(Template().fromTemplate('base'), 'odd', { cpuCount: 3 }), /400|CPU/)
  await assert.rejects(Template.build(Template().fromTemplate('never-built'), 'baseless'), (e) => e instanceof e2b.BuildError)
  await assert.rejects(Sandbox.create('failing'), /404/)
})
