// Which call of the official clients succeeded, and which was refused, in which test: seen from outside, by wrapping their
// methods. Nothing of what they do or send changes. coverage.mjs makes a table of it.
import { AsyncLocalStorage } from 'node:async_hooks'
import { appendFileSync } from 'node:fs'
import { test as nodeTest } from 'node:test'

const currentTest = new AsyncLocalStorage()
const insideCall = new AsyncLocalStorage() // what the clients call among themselves is not counted
const file = process.env.OSIRIS_E2B_LEDGER

const write = (entry) => file && appendFileSync(file, JSON.stringify({ test: currentTest.getStore() ?? '', ...entry }) + '\n')

export const test = (name, body) =>
  nodeTest(name, (t) =>
    currentTest.run(name, async () => {
      await body(t)
      write({ passed: true })
    }),
  )

export const note = (call, outcome, detail = '') => write({ call, outcome, detail })

// `false` is how many calls say "there is none".
function settle(call, run) {
  const seen = (value) => (note(call, value === false ? 'refused' : 'done', value === false ? 'false' : ''), value)
  const failed = (error) => {
    note(call, 'refused', error?.constructor?.name ?? String(error))
    throw error
  }
  let value
  try {
    value = insideCall.run(true, run)
  } catch (error) {
    failed(error)
  }
  if (typeof value?.nextItems === 'function') {
    // A list says only with its pages how it went.
    const next = value.nextItems
    value.nextItems = (...args) => settle(call, () => next.apply(value, args))
    return value
  }
  return typeof value?.then === 'function' ? value.then(seen, failed) : seen(value)
}

export const methodsOf = (owner) =>
  Object.getOwnPropertyNames(owner).filter(
    (name) => !['constructor', 'length', 'name', 'prototype'].includes(name) && typeof Object.getOwnPropertyDescriptor(owner, name).value === 'function',
  )

export function watch(owner, label, onResult = (value) => value, names = methodsOf(owner)) {
  for (const name of names) {
    const original = Object.getOwnPropertyDescriptor(owner, name).value // not owner[name]: Template hands out a copy bound for good
    owner[name] = function (...args) {
      if (insideCall.getStore()) return original.apply(this, args)
      const result = settle(`${label}.${name}`, () => original.apply(this, args))
      return typeof result?.then === 'function' ? result.then(onResult) : result
    }
  }
}
