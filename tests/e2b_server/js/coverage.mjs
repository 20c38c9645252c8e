// The table that the fidelity tests add up to: every call of the official clients that reaches the server, the test in
// which it succeeded and the one in which it was refused. Only tests that passed count. Fails when one of the two is missing,
// and when the SDK has a call that is neither here nor named below as left out.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { methodsOf } from './ledger.mjs'

const { Sandbox, Template } = createRequire(join(process.env.OSIRIS_E2B_CLIENTS, 'package.json'))('e2b')

const sandbox = 'create connect list kill getInfo getFullInfo getMetrics setTimeout updateNetwork pause betaPause createSnapshot listSnapshots deleteSnapshot fork isRunning downloadUrl uploadUrl'
const commands = 'run list sendStdin closeStdin kill connect'
const files = 'read write writeFiles list makeDir rename remove exists getInfo watchDir'
const pty = 'create connect sendInput resize kill'
const template = 'build buildInBackground getBuildStatus exists aliasExists assignTags getTags removeTags'
const handle = 'wait kill sendStdin closeStdin'
const cli = [
  'sandbox list', 'sandbox info', 'sandbox create --detach', 'sandbox create (terminal)', 'sandbox connect (terminal)', 'sandbox exec', 'sandbox exec -b',
  'sandbox exec < pipe', 'sandbox logs', 'sandbox metrics', 'sandbox pause', 'sandbox resume', 'sandbox kill', 'sandbox kill --all', 'sandbox snapshot create',
  'sandbox snapshot list', 'sandbox snapshot delete', 'template list', 'template create', 'template publish', 'template unpublish', 'template delete',
]
const named = (label, names) => names.split(' ').map((name) => `${label}.${name}`)
const clients = {
  'JS SDK': [...named('Sandbox', sandbox), ...named('commands', commands), ...named('files', files), ...named('pty', pty), ...named('handle', handle), ...named('Template', template)],
  CLI: cli.map((command) => `e2b ${command}`),
}
const wanted = Object.values(clients).flat()

const leftOut = {
  'getHost getMcpUrl getMcpToken': 'computed by the client',
  'resolveApiOpts fileUrl createSandbox forkSandbox connectSandbox resolveOpts boundOpts': 'parts of the calls above',
  'toJSON toDockerfile': 'computed by the client',
}
const leftOutOfCli = {
  'auth login,auth logout,auth info,auth configure': 'user accounts, which the server does not have',
  'template init,template migrate': 'write files and call nobody',
}
const known = new Set(Object.keys(leftOut).join(' ').split(' '))
const offered = [Sandbox, Object.getPrototypeOf(Sandbox), Sandbox.prototype].flatMap((owner) => methodsOf(owner).map((name) => ['Sandbox', name]))
offered.push(...[Template, Object.getPrototypeOf(Template)].flatMap((owner) => methodsOf(owner).map((name) => ['Template', name])))
const unlisted = offered.filter(([label, name]) => !wanted.includes(`${label}.${name}`) && !known.has(name))

const entries = readFileSync(process.env.OSIRIS_E2B_LEDGER, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
const passed = new Set(entries.filter((entry) => entry.passed).map((entry) => entry.test))
const seen = new Map()
for (const entry of entries.filter((each) => each.call && passed.has(each.test))) {
  const row = seen.get(entry.call) ?? {}
  row[entry.outcome] ??= entry.outcome === 'refused' ? `${entry.test} [${entry.detail}]` : entry.test
  seen.set(entry.call, row)
}

// What the CLI offers, by its own help.
function commandsOf(path = []) {
  const help = execFileSync(process.execPath, [join(process.env.OSIRIS_E2B_CLIENTS, 'node_modules/@e2b/cli/dist/index.js'), ...path, '--help'], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', NO_UPDATE_NOTIFIER: '1', COLUMNS: '200' },
  }).toString()
  const names = [...(help.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1]).filter((name) => name !== 'help')
  return names.length ? names.flatMap((name) => commandsOf([...path, name])) : [path.join(' ')]
}
const knownCommands = [...cli, ...Object.keys(leftOutOfCli).join(',').split(',')]
const unlistedCommands = commandsOf().filter((command) => !knownCommands.some((known) => known === command || known.startsWith(command + ' ')))

const missing = unlisted.map(([label, name]) => `${label}.${name} is neither tested nor left out`)
missing.push(...unlistedCommands.map((command) => `e2b ${command} is neither tested nor left out`))
console.log(`${'call'.padEnd(30)} | ${'succeeds in the test'.padEnd(72)} | is refused in the test`)
for (const call of wanted) {
  const row = seen.get(call) ?? {}
  console.log(`${call.padEnd(30)} | ${(row.done ?? '- none -').padEnd(72)} | ${row.refused ?? '- none -'}`)
  for (const outcome of ['done', 'refused']) if (!row[outcome]) missing.push(`${call} was never ${outcome}`)
}
for (const [names, reason] of Object.entries(leftOut)) console.log(`left out: ${names}: ${reason}`)
for (const [names, reason] of Object.entries(leftOutOfCli)) console.log(`left out of the CLI: ${names}: ${reason}`)
console.log('left out: handle.disconnect and stop of a watch: they close a connection')
console.log('left out: sandbox.git: git by commands.run; Volume, Secret, mcp: the server has none')
for (const [client, calls] of Object.entries(clients)) {
  const shown = calls.flatMap((call) => ['done', 'refused'].filter((outcome) => seen.get(call)?.[outcome])).length
  console.log(`${client}: ${calls.length} calls, (success, refusal) passing ${shown} of ${2 * calls.length}`)
}
for (const each of missing) console.error(`gap: ${each}`)
process.exit(missing.length ? 1 : 0)
