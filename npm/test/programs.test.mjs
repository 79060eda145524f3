/** The programs of the READMEs and of examples/ run, with a socket that is not connected to anything. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FakeWorker } from './fake.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const INSTALLED = join(ROOT, '../tests/node/node_modules')
const read = name => readFileSync(join(ROOT, name), 'utf8')
const blocks = name => [...read(name).matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, , text]) => text)

/** Baileys but for its socket, which is paired at once. */
const BAILEYS = `
export * from ${JSON.stringify(`file://${INSTALLED}/baileys-7/lib/index.js`)}
export function makeWASocket ({ auth }) {
  const listeners = []
  const connection = setInterval(() => {}, 1_000)
  setTimeout(async () => {
    auth.creds.registered = true
    for (const [event, listener] of listeners) if (event === 'creds.update') listener({})
    await auth.keys.set({ 'pre-key': { 1: { n: 1 } } })
    for (const [event, listener] of listeners) if (event === 'connection.update') listener({ connection: 'open' })
  }, 20)
  return { ev: { on: (...both) => listeners.push(both) }, end: () => clearInterval(connection) }
}`

function install (t) {
  const folder = mkdtempSync(join(tmpdir(), 'sessionworker-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules/baileys'), { recursive: true })
  writeFileSync(join(folder, 'node_modules/baileys/package.json'), '{"type":"module","exports":"./index.js"}')
  writeFileSync(join(folder, 'node_modules/baileys/index.js'), BAILEYS)
  symlinkSync(ROOT, join(folder, 'node_modules/baileys-sessionworker'))
  symlinkSync(join(INSTALLED, 'pino'), join(folder, 'node_modules/pino'))
  return folder
}

const PROGRAMS = { 'README.md': blocks('README.md')[1], 'examples/bot.mjs': read('examples/bot.mjs') }

for (const [name, text] of Object.entries(PROGRAMS)) {
  test(`the program of ${name} stores an account in one request, and lets go of it when it is ended`, async t => {
    const folder = install(t)
    const fake = await new FakeWorker().start()
    t.after(() => fake.stop())
    writeFileSync(join(folder, 'program.mjs'), text.replace('http://127.0.0.1:5656', fake.url))
    const env = { PATH: process.env.PATH, TOKEN: 'secret' }
    const program = spawn(process.execPath, ['program.mjs', 'sales'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
    t.after(() => program.kill('SIGKILL'))
    let complaints = ''
    program.stderr.on('data', data => { complaints += data })
    const ended = once(program, 'exit')
    for (const deadline = Date.now() + 20_000; fake.writes.length === 0; await sleep(10)) {
      assert.ok(program.exitCode === null && Date.now() < deadline, complaints)
    }
    await sleep(50)
    program.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null], complaints)
    assert.deepEqual(fake.writes.map(({ body }) => Object.keys(body.changes)), [['pre-key-1', 'creds']])
    assert.equal(fake.writes[0].body.changes.creds.registered, true)
    assert.deepEqual(fake.requests.at(-1).body, { instance: 'sales', release: true })
  })
}

test('the program of the README has twenty lines, and all code is the same in both languages', () => {
  assert.ok(PROGRAMS['README.md'].trim().split('\n').length <= 20)
  assert.deepEqual(blocks('README.md'), blocks('README.pt-BR.md'))
  for (const pattern of [/^#+ /gm, /^\| `/gm, /^\* /gm]) {
    assert.equal(read('README.md').match(pattern).length, read('README.pt-BR.md').match(pattern).length)
  }
})
