/** A real worker as a process of its own, killed and started as a test likes. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** The program that starts it, of the environment into which the worker is installed. */
const TWISTD = process.env.TWISTD ?? join(REPOSITORY, '.venv/bin/twistd')

export class Worker {
  token = randomBytes(16).toString('hex')
  #folder = mkdtempSync(join(tmpdir(), 'sessionworker-npm-'))
  #process
  #said = ''

  /** A worker that is ready; gone after the test. */
  static async of (t) {
    const worker = new Worker()
    t.after(() => worker.#end())
    writeFileSync(join(worker.#folder, 'token'), worker.token, { mode: 0o600 })
    worker.port = await freePort()
    worker.url = `http://127.0.0.1:${worker.port}`
    await worker.start()
    return worker
  }

  async start () {
    const options = ['--listen', `tcp:${this.port}:interface=127.0.0.1`, '--store', join(this.#folder, 'store')]
    const command = ['--nodaemon', '--pidfile=', 'sessionworker', ...options, '--token-file', join(this.#folder, 'token')]
    this.#process = spawn(TWISTD, command, { cwd: process.env.WORKER_FOLDER ?? REPOSITORY })
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', data => { this.#said += data })
    for (const deadline = Date.now() + 30_000; !await this.#answers(); await sleep(10)) {
      if (this.#process.exitCode !== null || Date.now() > deadline) throw new Error(`the worker does not answer:\n${this.#said}`)
    }
  }

  async kill () {
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }

  /** Hold it up, as a disk that hangs does; `signal('SIGCONT')` lets it go on. */
  signal (name) {
    this.#process.kill(name)
  }

  /** A request of somebody who has no session; the answer's status and text. */
  async ask (method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, { method, body: body && JSON.stringify(body), headers: { apikey: this.token, ...headers } })
    return { status: answer.status, text: await answer.text() }
  }

  #answers () {
    return fetch(`${this.url}/ping`, { method: 'OPTIONS' }).then(answer => answer.ok, () => false)
  }

  #end () {
    this.#process?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
