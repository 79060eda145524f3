/**
 * A real worker as a process of its own, killed and started as a test likes. Where `WORKER_STORE` names a PostgreSQL, it
 * is three of them on one database, asked in turn, request by request.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createProxy, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** The program that starts it, of the environment into which the worker is installed. */
const TWISTD = process.env.TWISTD ?? join(REPOSITORY, '.venv/bin/twistd')

/** The socket of whoever starts workers without loading each anew, if there is one: see tests/forks.py. */
const { WORKER_FORKS, WORKER_STORE } = process.env
const COUNT = WORKER_STORE ? 3 : 1

export class Worker {
  token = randomBytes(16).toString('hex')
  #folder = mkdtempSync(join(tmpdir(), 'sessionworker-npm-'))
  #store = WORKER_STORE ? `${WORKER_STORE}?schema=npm_${randomBytes(6).toString('hex')}` : join(this.#folder, 'store')
  #ports
  #processes = []
  #distributor

  /** A worker that is ready; gone after the test. */
  static async of (t) {
    const worker = new Worker()
    t.after(() => worker.#remove())
    writeFileSync(join(worker.#folder, 'token'), worker.token, { mode: 0o600 })
    worker.port = await freePort()
    worker.url = `http://127.0.0.1:${worker.port}`
    worker.#ports = COUNT === 1 ? [worker.port] : await Promise.all(Array.from({ length: COUNT }, freePort))
    await worker.start()
    return worker
  }

  async start () {
    this.#processes = await Promise.all(this.#ports.map(port => this.#run(port)))
    const deadline = Date.now() + 30_000
    for (const [number, port] of this.#ports.entries()) {
      while (!await answers(port)) {
        if (this.#processes[number].exitCode !== null || Date.now() > deadline) throw new Error(`the worker does not answer:\n${readFileSync(this.#output)}`)
        await sleep(10)
      }
    }
    if (COUNT > 1) this.#distributor = await distribute(this.port, this.#ports)
  }

  get #output () {
    return join(this.#folder, 'output')
  }

  #run (port) {
    const options = ['--listen', `tcp:${port}:interface=127.0.0.1`, '--token-file', join(this.#folder, 'token')]
    const command = ['--nodaemon', '--pidfile=', 'sessionworker', ...options]
    if (WORKER_FORKS) return fork({ arguments: command, store: this.#store, output: this.#output })
    const env = { ...process.env, SESSIONWORKER_STORE: this.#store }
    const output = openSync(this.#output, 'a')
    const running = spawn(TWISTD, command, { cwd: process.env.WORKER_FOLDER ?? REPOSITORY, env, stdio: ['ignore', output, output] })
    closeSync(output)
    return running
  }

  async kill () {
    const ended = Promise.all(this.#processes.map(running => once(running, 'exit')))
    this.#end()
    await ended
  }

  /** Hold it up, as a disk that hangs does; `signal('SIGCONT')` lets it go on. */
  signal (name) {
    for (const running of this.#processes) running.kill(name)
  }

  /** A request of somebody who has no session; the answer's status and text. */
  async ask (method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, { method, body: body && JSON.stringify(body), headers: { apikey: this.token, ...headers } })
    return { status: answer.status, text: await answer.text() }
  }

  #end () {
    this.#distributor?.close()
    this.#distributor?.closeAllConnections()
    this.signal('SIGKILL')
  }

  #remove () {
    this.#end()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** A worker that somebody else starts, with as much of a child process as is asked of one. */
async function fork (asked) {
  const connection = connect(WORKER_FORKS)
  connection.write(`${JSON.stringify(asked)}\n`)
  const [pid] = await once(connection, 'data')
  const running = new EventEmitter()
  running.exitCode = null
  running.kill = name => running.exitCode === null && process.kill(+pid, name)
  connection.once('close', () => {
    running.exitCode = 0
    running.emit('exit')
  })
  return running
}

function answers (port) {
  return fetch(`http://127.0.0.1:${port}/ping`, { method: 'OPTIONS' }).then(answer => answer.ok, () => false)
}

/** Pass each request on to the next of some workers; one whose worker is gone is cut off. */
async function distribute (port, ports) {
  let turn = 0
  const server = createProxy((asked, answer) => {
    const { method, url: path, headers } = asked
    const passed = request({ host: '127.0.0.1', port: ports[turn++ % ports.length], method, path, headers }, answered => {
      answer.writeHead(answered.statusCode, answered.headers)
      answered.pipe(answer)
    })
    passed.on('error', () => asked.socket.destroy())
    answer.on('close', () => passed.destroy())
    asked.pipe(passed)
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
