// Debian's Chromium, without a window, and what is asked of a page in it.
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(path.join(process.env.OSIRIS_PAGES_PACKAGES, 'package.json'))
const load = async (name) => import(pathToFileURL(require.resolve(name)).href)
const { default: puppeteer } = await load('puppeteer-core')
const { default: pixelmatch } = await load('pixelmatch')
const { PNG } = require('pngjs')
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

export const PHONE = { width: 390, height: 844 }
export const DESK = { width: 1280, height: 900 }

export class Browser {
  // Pages are files of this machine, made a moment ago: without a sandbox, which root has none of.
  static async open() {
    const browser = new Browser()
    browser.chromium = await puppeteer.launch({
      executablePath: process.env.OSIRIS_CHROMIUM, headless: 'shell',
      args: ['--no-sandbox', '--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb']
    })
    return browser
  }

  close() {
    return this.chromium.close()
  }

  // The page, with `asked`: every address that it asked for, and `messages`: what it wrote to the console.
  async page(file, viewport, scheme) {
    const page = await this.chromium.newPage()
    page.asked = []
    page.messages = []
    page.on('request', (request) => page.asked.push(request.url()))
    page.on('console', (message) => page.messages.push(message.text()))
    page.on('dialog', (dialog) => { page.messages.push(dialog.message()); dialog.dismiss() })
    await page.setViewport(viewport)
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    await page.goto(pathToFileURL(file).href)
    return page
  }
}

// What the checker finds by the rules of WCAG 2.2 A and AA and its own best practices.
export async function violations(page) {
  await page.evaluate(AXE)
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3).join(' ')}`)
}

// How many of the picture's pixels are not those of the approved one: a part of 1. Kept as the approved one on request.
export async function difference(page, approvedFile, failedFile) {
  // What names this machine or this build is no part of the picture, and the font is one that is always there.
  await page.addStyleTag({ content: '#record,footer{display:none!important}*{font-family:"DejaVu Sans"!important}' })
  // As high as the page is now, and drawn at that height.
  const height = await page.evaluate(() => document.documentElement.scrollHeight)
  await page.setViewport({ width: page.viewport().width, height })
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
  const picture = Buffer.from(await page.screenshot({ captureBeyondViewport: false }))
  const now = PNG.sync.read(picture)
  if (process.env.OSIRIS_APPROVE) fs.writeFileSync(approvedFile, PNG.sync.write(now, { colorType: 2, deflateLevel: 9, deflateStrategy: 0, filterType: 0 }))
  const approved = PNG.sync.read(fs.readFileSync(approvedFile))
  const marked = new PNG({ width: now.width, height: now.height })
  const isSameSize = now.width === approved.width && now.height === approved.height
  const differing = isSameSize ? pixelmatch(now.data, approved.data, marked.data, now.width, now.height, { threshold: 0.15 }) : now.width * now.height
  const part = differing / (now.width * now.height)
  if (part > 0) fs.writeFileSync(failedFile, picture)
  return part
}
