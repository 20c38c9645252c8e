// The pages of osiris report as people see them: on a desk and on a phone, light and dark.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Browser, DESK, PHONE, difference, violations } from './browser.mjs'
import { Project, failedRemoteRun, largeRun } from './project.mjs'

const APPROVED = path.join(path.dirname(fileURLToPath(import.meta.url)), 'approved')
// Fonts are drawn a little differently by each release of Chromium.
const PART_MAX = 0.01

let browser, project, run, runs

before(async () => {
  browser = await Browser.open()
  project = new Project()
  const statuses = ['success', 'success', 'failed', 'success', 'cancelled', 'success']
  statuses.forEach((status, i) => project.add({ id: `run-00000${i + 1}_01M83EVF9CT33H60A2B5975${i}AA`, pipeline: i % 2 ? 'orders' : 'stock', status, seconds: 5 + 3 * i, at: i * 3600 - 30000 }))
  project.add(failedRemoteRun())
  run = project.report('orders/7')
  runs = project.report('--runs')
})

after(async () => {
  await browser?.close()
  project?.remove()
})

for (const [device, viewport] of [['desk', DESK], ['phone', PHONE]])
  for (const scheme of ['light', 'dark']) {
    test(`on a ${device} in ${scheme} nothing is found by the accessibility checker`, async () => {
      for (const file of [run, runs]) {
        const page = await browser.page(file, viewport, scheme)
        await page.$$eval('details', (all) => all.forEach((details) => { details.open = true }))
        assert.deepEqual(await violations(page), [], file)
        await page.close()
      }
    })

    test(`on a ${device} in ${scheme} the pages look as approved`, async () => {
      for (const [name, file] of [['run', run], ['runs', runs]]) {
        const page = await browser.page(file, viewport, scheme)
        const picture = `${name}-${device}-${scheme}.png`
        const failed = path.join(os.tmpdir(), `osiris-${picture}`)
        const part = await difference(page, path.join(APPROVED, picture), failed)
        assert.ok(part <= PART_MAX, `${(part * 100).toFixed(2)} % of ${picture} differs; see ${failed}, and approve it with OSIRIS_APPROVE=1`)
        await page.close()
      }
    })
  }

test('the checker finds what is wrong', async () => {
  const broken = project.write('broken.html', '<html><body><img src="data:,"><p style="color:#ccc;background:#fff">pale</p></body></html>')
  const page = await browser.page(broken, DESK, 'light')
  const found = (await violations(page)).join('\n')
  for (const rule of ['image-alt', 'color-contrast', 'html-has-lang', 'document-title']) assert.match(found, new RegExp(rule))
  await page.close()
})

test('the comparison notices another picture', async () => {
  const page = await browser.page(run, DESK, 'light')
  const approve = process.env.OSIRIS_APPROVE
  delete process.env.OSIRIS_APPROVE
  await page.$eval('h1', (heading) => { heading.style.fontSize = '9rem' })
  const part = await difference(page, path.join(APPROVED, 'run-desk-light.png'), path.join(project.directory, 'other.png'))
  if (approve) process.env.OSIRIS_APPROVE = approve
  assert.ok(part > PART_MAX, `${part}`)
  await page.close()
})

test('a page asks for nothing and runs nothing, whatever is in names and data', async () => {
  const page = await browser.page(run, DESK, 'light')
  assert.equal(page.asked.length, 1, page.asked.join('\n'))
  assert.deepEqual(page.messages, [])
  assert.match(await page.$eval('#timeline', (section) => section.textContent), /join<script>alert\(1\)<\/script>/)
  assert.match(await page.$eval('#outputs', (section) => section.textContent), /<b>bold<\/b>/)
  assert.equal(await page.$('script'), null)
  await page.close()
})

test('nothing but wide tables scrolls sideways on a phone', async () => {
  for (const file of [run, runs]) {
    const page = await browser.page(file, PHONE, 'light')
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
    await page.close()
  }
})

test('a large run opens', async (context) => {
  project.add(largeRun())
  const began = performance.now()
  const file = project.report('large/9')
  const made = performance.now()
  const page = await browser.page(file, DESK, 'light')
  const opened = performance.now()
  context.diagnostic(`1,000 steps, 100,000 events: written in ${Math.round(made - began)} ms, ${fs.statSync(file).size} bytes, opened in ${Math.round(opened - made)} ms`)
  assert.ok(fs.statSync(file).size <= 3 * 2 ** 20)
  assert.equal(await page.$$eval('#timeline tbody tr', (rows) => rows.length >= 1000), true)
  await page.close()
})
