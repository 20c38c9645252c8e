// A client of yaml-language-server: LSP over its standard streams.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const SERVER = path.join(process.env.OSIRIS_EDITOR_PACKAGES, 'node_modules/yaml-language-server/bin/yaml-language-server')

export class LanguageServer {
  #process = spawn(process.execPath, [SERVER, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] })
  #buffer = Buffer.alloc(0)
  #nextId = 1
  #answers = new Map() // request id -> resolve
  #diagnostics = new Map() // URI -> resolve

  constructor() {
    this.#process.stdout.on('data', (data) => this.#take(data))
  }

  static async start(root) {
    const server = new LanguageServer()
    const rootUri = pathToFileURL(root).href
    await server.request('initialize', { processId: process.pid, rootUri, capabilities: {}, workspaceFolders: [{ uri: rootUri, name: 'root' }] })
    server.#notify('initialized', {})
    server.#notify('workspace/didChangeConfiguration', {
      settings: { yaml: { validate: true, completion: true, hover: true, schemaStore: { enable: false } } },
    })
    return server
  }

  // Opens a document and returns what is wrong with it: [{line, message}].
  async open(file, text) {
    const uri = pathToFileURL(file).href
    const published = new Promise((resolve) => this.#diagnostics.set(uri, resolve))
    this.#notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } })
    const found = await published
    return found.map(({ range, message }) => ({ line: range.start.line + 1, message }))
  }

  // The labels offered where `text` has the mark "▮", which is taken out.
  async complete(file, text) {
    const before = text.slice(0, text.indexOf('▮')).split('\n')
    await this.open(file, text.replace('▮', ''))
    const position = { line: before.length - 1, character: before.at(-1).length }
    const answer = await this.request('textDocument/completion', { textDocument: { uri: pathToFileURL(file).href }, position })
    return (answer.items ?? answer).map((item) => item.label)
  }

  request(method, params) {
    const id = this.#nextId++
    this.#send({ jsonrpc: '2.0', id, method, params })
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  async stop() {
    await this.request('shutdown', null)
    const ended = new Promise((resolve) => this.#process.on('exit', resolve))
    this.#notify('exit', null)
    await ended
  }

  #notify(method, params) {
    this.#send({ jsonrpc: '2.0', method, params })
  }

  #send(message) {
    const body = Buffer.from(JSON.stringify(message))
    this.#process.stdin.write(`Content-Length: ${body.length}\r\n\r\n`)
    this.#process.stdin.write(body)
  }

  #take(data) {
    this.#buffer = Buffer.concat([this.#buffer, data])
    for (;;) {
      const head = this.#buffer.indexOf('\r\n\r\n')
      if (head < 0) return
      const size = Number(/Content-Length: (\d+)/.exec(this.#buffer.subarray(0, head).toString())[1])
      if (this.#buffer.length < head + 4 + size) return
      this.#receive(JSON.parse(this.#buffer.subarray(head + 4, head + 4 + size)))
      this.#buffer = this.#buffer.subarray(head + 4 + size)
    }
  }

  #receive(message) {
    if (message.method === 'textDocument/publishDiagnostics') {
      this.#diagnostics.get(message.params.uri)?.(message.params.diagnostics)
    } else if (message.method && message.id !== undefined) {
      // The server asks for its settings, and to register for changes.
      const settings = { validate: true, completion: true, hover: true, schemaStore: { enable: false } }
      const result = message.method === 'workspace/configuration' ? message.params.items.map(({ section }) => (section === 'yaml' ? settings : null)) : null
      this.#send({ jsonrpc: '2.0', id: message.id, result })
    } else if (this.#answers.has(message.id)) {
      if (message.error) throw new Error(JSON.stringify(message.error))
      this.#answers.get(message.id)(message.result)
      this.#answers.delete(message.id)
    }
  }
}
