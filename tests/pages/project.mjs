// A project whose runs are made of records written here, so that its pages are the same on every machine and day.
import crypto from 'node:crypto'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const START = Date.UTC(2025, 10, 23, 4, 0, 0)
const OSIRIS = path.join(process.env.OSIRIS_BUILD_DIR, 'bin/osiris')

const at = (seconds) => new Date(START + seconds * 1000).toISOString().replace('Z', '000+00:00')
const lines = (records) => records.map((record) => JSON.stringify(record) + '\n').join('')

export class Project {
  constructor() {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'osiris-pages-'))
    this.directory = path.join(this.root, 'shop')
    this.write('osiris.yaml', 'version: "2.0"\n')
    this.index = []
  }

  remove() {
    fs.rmSync(this.root, { recursive: true })
  }

  write(file, text) {
    const target = path.join(this.directory, file)
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.writeFileSync(target, text)
    return target
  }

  // A run and its session; `run` has id, pipeline, status, seconds and, where there is more than a line of the index, events, metrics,
  // manifest, outputs.
  add(run) {
    const session = `run_logs/dev/${run.pipeline}/${run.id}`
    const record = {
      run_id: run.id, pipeline_slug: run.pipeline, profile: 'dev', manifest_hash: 'ab'.repeat(32), manifest_short: 'abababa',
      run_ts: at(run.at ?? 0), status: run.status, duration_ms: run.seconds * 1000,
      run_logs_path: path.join(this.directory, session), aiop_path: '', build_manifest_path: '', tags: [], branch: '', user: '',
      git_commit: '', runtime_env: run.adapter ?? 'local'
    }
    this.index.push(record)
    this.write('.osiris/index/runs.jsonl', lines(this.index))
    const event = ([seconds, name, fields]) => ({ ts: at(seconds), session: run.id, event: name, ...fields })
    const metric = ([seconds, name, value, fields]) => ({ ts: at(seconds), session: run.id, metric: name, value, ...fields })
    this.write(`${session}/events.jsonl`, lines((run.events ?? []).map(event)))
    this.write(`${session}/metrics.jsonl`, lines((run.metrics ?? []).map(metric)))
    if (run.manifest) this.write(`${session}/manifest.yaml`, run.manifest)
    const outputs = Object.entries(run.outputs ?? {}).map(([file, { step_id, text }]) => ({
      path: file, target: this.write(file, text), size_bytes: Buffer.byteLength(text),
      sha256: crypto.createHash('sha256').update(text).digest('hex'), step_id
    }))
    this.write(`${session}/artifacts.json`, JSON.stringify({ version: 1, outputs }))
    if (run.status !== 'running')
      this.write(`${session}/status.json`, JSON.stringify({ exit_code: run.status === 'success' ? 0 : 1, reason: run.reason ?? '' }))
  }

  // The page that `osiris report ARGUMENTS` writes.
  report(...args) {
    const environment = { PATH: process.env.PATH, HOME: this.directory }
    return execFileSync(OSIRIS, ['report', ...args], { cwd: this.directory, env: environment, encoding: 'utf8' }).trim()
  }
}

const step = (id, component, from, until, rows, more = []) => [
  [from, 'step_start', { step_id: id, driver: component }],
  ...more,
  [until, 'step_complete', { step_id: id, driver: component, rows_processed: rows, duration: until - from }]
]

// A run in a sandbox that failed in its last step, with names and data that would like to act.
export function failedRemoteRun() {
  const manifest = `name: "Orders <by> country & day"
steps:
- {id: read-orders, component: mysql.extractor, needs: []}
- {id: read-countries, component: filesystem.csv_extractor, needs: []}
- {id: "join<script>alert(1)</script>", component: duckdb.processor, needs: [read-orders, read-countries]}
- {id: save, component: filesystem.csv_writer, needs: ["join<script>alert(1)</script>"]}
- {id: load, component: postgres.writer, needs: ["join<script>alert(1)</script>"]}
- {id: notify, component: python.processor, needs: [load]}
`
  const events = [
    [0, 'run_start', {}],
    [0, 'compile_start', {}],
    [0.2, 'compile_complete', {}],
    [0.3, 'adapter_selected', { adapter: 'e2b', version: '1.0.0', options: { timeout: { value: '15m', source: 'flag' } } }],
    [0.4, 'adapter_prepare_start', {}],
    [0.6, 'adapter_prepare_complete', { success: true }],
    [0.6, 'adapter_execute_start', {}],
    [1.8, 'resource_acquired', { kind: 'sandbox', id: 'sbx-1f2e3d', expires: '2025-11-23T05:00:00Z', cleanup: 'osiris resources reap' }],
    [1.9, 'sandbox_created', { sandbox_id: 'sbx-1f2e3d', template: 'osiris', duration_ms: 1300 }],
    [3.1, 'package_uploaded', { bytes: 41234567, files: 14, worker_sent: true, duration_ms: 1200 }],
    [3.4, 'worker_started', { pid: 12, version: '1.0.0', duration_ms: 300 }],
    ...step('read-orders', 'mysql.extractor', 3.5, 9, 1234567, [[5, 'step_retry', { step_id: 'read-orders', attempt: 1, max_attempts: 3, error: 'connection reset by peer' }]]),
    ...step('read-countries', 'filesystem.csv_extractor', 3.5, 4, 249,
      [[3.7, 'csv_bad_line', { step_id: 'read-countries', line: 17 }], [3.7, 'csv_bad_line', { step_id: 'read-countries', line: 18 }]]),
    ...step('join<script>alert(1)</script>', 'duckdb.processor', 9, 11.5, 4321),
    ...step('save', 'filesystem.csv_writer', 11.5, 11.8, 4321, [[11.7, 'output_written', { step_id: 'save', path: 'out/orders.csv', size_bytes: 98765 }]]),
    [11.5, 'step_start', { step_id: 'load', driver: 'postgres.writer' }],
    [12.4, 'step_failed', { step_id: 'load', driver: 'postgres.writer', error: 'column "day" of relation "orders" does not exist',
      error_type: 'step_failed', category: 'write.schema_mismatch', hint: 'create the column, or set mode: replace', duration: 0.9 }],
    [12.4, 'step_skipped', { step_id: 'notify', driver: 'python.processor', cause: 'load' }],
    [13.2, 'artifacts_collected', { files: 3, bytes: 45678, duration_ms: 700 }],
    [13.9, 'resource_released', { kind: 'sandbox', id: 'sbx-1f2e3d', verified: true }],
    [14, 'sandbox_killed', { sandbox_id: 'sbx-1f2e3d', verified: true, duration_ms: 600 }],
    [14, 'adapter_execute_complete', { success: false }],
    [14, 'run_error', { error: 'step load failed: column "day" of relation "orders" does not exist' }],
    [14.1, 'run_end', { status: 'failed' }]
  ]
  const metrics = []
  for (let second = 4; second <= 13; ++second) {
    metrics.push([second, 'worker_memory_bytes', (150 + 40 * Math.abs(Math.sin(second))) * 2 ** 20])
    metrics.push([second, 'worker_cpu_ms', (second - 4) * 1500])
  }
  metrics.push([14, 'remote_calls', 11])
  const rows = ['country,orders,note', 'CZ,812,<b>bold</b>', 'DE,799,"=HYPERLINK(1)"', 'SK,455,\u001b[31mred'].join('\n') + '\n'
  return {
    id: 'run-000007_01M83EVF9CT33H60A2B59753JP', pipeline: 'orders', status: 'failed', seconds: 14.1, adapter: 'e2b', reason: 'execution_failed',
    manifest, events, metrics, outputs: { 'out/orders.csv': { step_id: 'save', text: rows } }
  }
}

export function largeRun() {
  const events = [[0, 'run_start', {}]]
  let manifest = 'name: large\nsteps:\n'
  for (let i = 0; i < 1000; ++i) {
    manifest += `- {id: step-${i}, component: duckdb.processor, needs: [${i ? `step-${i >> 1}` : ''}]}\n`
    const more = Array.from({ length: 98 }, (_, n) => [i, 'script_event', { step_id: `step-${i}`, name: 'progress', data: { n } }])
    events.push(...step(`step-${i}`, 'duckdb.processor', i, i + 1, 1000, more))
  }
  return { id: 'run-000009_01M83EVF9CT33H60A2B59753ZZ', pipeline: 'large', status: 'success', seconds: 1000, manifest, events }
}
