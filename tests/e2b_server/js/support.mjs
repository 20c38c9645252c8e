// A server per test file, the official clients from the cache, and the CLI as a user runs it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { note, test, watch } from './ledger.mjs'

export { note, test }

const clients = process.env.OSIRIS_E2B_CLIENTS
const require = createRequire(join(clients, 'package.json'))
export const apiKey = 'e2b_' + '0'.repeat(40)
export const e2b = require('e2b')

// Of the parts of a sandbox, and of the handle of a command, only instances are at hand.
const watched = new Set()
function watchOnce(instance, label, names) {
  const owner = Object.getPrototypeOf(instance)
  if (watched.has(owner)) return
  watched.add(owner)
  watch(owner, label, watchParts, names)
}
function watchParts(value) {
  for (const part of ['files', 'commands', 'pty']) if (value?.[part]) watchOnce(value[part], part)
  if (typeof value?.pid === 'number' && typeof value.wait === 'function') watchOnce(value, 'handle', ['wait', 'kill', 'sendStdin', 'closeStdin'])
  return value
}
for (const owner of [e2b.Sandbox, Object.getPrototypeOf(e2b.Sandbox), e2b.Sandbox.prototype]) watch(owner, 'Sandbox', watchParts)
for (const owner of [e2b.Template, Object.getPrototypeOf(e2b.Template)]) watch(owner, 'Template')

// Elsewhere a counted skip, under CI a failure. False: skipped.
export function hasNamespaces(t, server) {
  if (server.isolation === 'namespaces') return true
  if (process.env.CI) throw new Error('this machine has no namespaces')
  t.skip('this machine has no namespaces')
  return false
}

// The row of coverage.mjs that a command line belongs to.
function callOf(args, input, terminal) {
  const words = args.slice(0, args[1] === 'snapshot' ? 3 : 2) // args[0]: sandbox or template
  for (const flag of ['--detach', '--all', '-b']) if (args.includes(flag)) words.push(flag)
  return `e2b ${words.join(' ')}${terminal ? ' (terminal)' : ''}${typeof input === 'string' ? ' < pipe' : ''}`
}

// exec passes the remote exit code on; kill and its like say on stderr that there is none.
function outcomeOf(args, result) {
  const refused = args[1] === 'exec' ? result.code === 1 : result.code !== 0 || /not found|doesn't exist|wasn't found/i.test(result.err)
  return [refused ? 'refused' : 'done', `exit ${result.code}`]
}

const cliPath = join(clients, 'node_modules/@e2b/cli/dist/index.js')

export async function startServer(...args) {
  const data = mkdtempSync(join(tmpdir(), 'osiris-e2b-js-'))
  const child = spawn(join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris-e2b-server'), ['--api-key', apiKey, '--data', data, '--parent-pid', String(process.pid), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  const ready = JSON.parse(line)
  process.env.E2B_API_KEY = apiKey
  process.env.E2B_API_URL = ready.url
  process.env.E2B_SANDBOX_URL = ready.url
  const admin = (method, path, body) =>
    fetch(`${ready.url}/_admin/${path}`, { method, headers: { 'x-api-key': apiKey }, body: body && JSON.stringify(body) })
  return {
    ...ready,
    faults: (...faults) => admin('PUT', 'faults', { faults }),
    requests: async () => (await admin('GET', 'requests')).json(),
    sandboxes: async () => (await admin('GET', 'sandboxes')).json(),
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const code = await gone
      rmSync(data, { recursive: true, force: true })
      return code
    },
  }
}

// {code, out, err}; `terminal` gives the command a tty of its own, through script(1).
export function cli(args, { input, env = {}, terminal = false } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'osiris-e2b-home-'))
  const command = terminal ? ['script', '-qec', [process.execPath, cliPath, ...args].join(' '), '/dev/null'] : [process.execPath, cliPath, ...args]
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, HOME: home, NO_UPDATE_NOTIFIER: '1', SHELL: '/bin/bash', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const result = { code: null, out: '', err: '', child }
  child.stdout.on('data', (data) => (result.out += data))
  child.stderr.on('data', (data) => (result.err += data))
  if (typeof input === 'string') child.stdin.end(input)
  else if (!input) child.stdin.end()
  result.done = new Promise((resolve) =>
    child.once('close', (code) => {
      rmSync(home, { recursive: true, force: true })
      result.code = code
      note(callOf(args, input, terminal), ...outcomeOf(args, result))
      resolve(result)
    }),
  )
  return result
}

export async function until(what, condition) {
  for (let i = 0; i < 600; ++i) {
    const value = await condition()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`waited in vain for ${what}`)
}
