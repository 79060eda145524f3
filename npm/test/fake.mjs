/** A worker in this process that keeps its files in memory, and fails as it is told. */
import { createServer } from 'node:http'
import { openSession } from 'baileys-sessionworker'

export const IDENTITY = { noiseKey: { private: Buffer.from([1, 2]) }, signedIdentityKey: { public: Buffer.from([3]) }, n: 0 }

/** Limits with which a test is over soon. */
export const SHORT = { connect: 300, call: 400, total: 1_000, backoff: [5, 20], creds: 30 }

const ERRORS = { 404: 'Not Found', 409: 'Conflict' }

export class FakeWorker {
  /** instance -> key -> value */
  instances = new Map()
  /** The id of each owner's lease; undefined in a worker that knows of none. */
  lease = 'one'
  /** Each request: method, path, parsed body, headers. */
  requests = []
  /** Called with each request and its response; true says that it was answered, or never will be. */
  misbehave = () => false

  async start (options = {}, make = createServer) {
    this.server = make(options, (request, response) => this.#take(request, response))
    await new Promise(resolve => this.server.listen(options.path ?? 0, ...(options.path ? [] : ['127.0.0.1']), resolve))
    if (!options.path) this.url = `http://127.0.0.1:${this.server.address().port}`
    return this
  }

  stop () {
    this.server.closeAllConnections()
    return new Promise(resolve => this.server.close(resolve))
  }

  /** The bulk requests that change something. */
  get writes () {
    return this.requests.filter(({ body }) => Object.keys(body?.changes ?? {}).length > 0)
  }

  get reads () {
    return this.requests.filter(({ body }) => body?.keys)
  }

  files (instance = 'one') {
    if (!this.instances.has(instance)) this.instances.set(instance, new Map())
    return this.instances.get(instance)
  }

  answer (response, status, body, headers = {}) {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
    response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  }

  refuse (response, status, sentence = 'No.', headers = {}) {
    this.answer(response, status, { statusCode: status, error: ERRORS[status] ?? 'Error', message: [sentence] }, headers)
  }

  async #take (request, response) {
    const parts = []
    request.on('error', () => {})
    for await (const part of request) parts.push(part)
    const text = Buffer.concat(parts).toString()
    const [, , , instance, key] = request.url.split('/').map(decodeURIComponent)
    const seen = { method: request.method, url: request.url, headers: request.headers, text, body: text && JSON.parse(text) }
    this.requests.push(seen)
    if (await this.misbehave(seen, response, request)) return
    const { body } = seen
    const told = request.headers.owner !== undefined && this.lease !== undefined ? { lease: this.lease } : {}
    if (instance === undefined) {
      if (!body.release) this.files(body.instance)
      return this.answer(response, 204, undefined, told)
    }
    const files = this.instances.get(instance)
    if (request.method === 'DELETE') {
      this.instances.delete(instance)
      return this.answer(response, 200, 'null')
    }
    if (files === undefined) return this.refuse(response, 404, 'This instance does not exist. Create it with POST /session/<group>.')
    if (key !== undefined) {
      if (files.has(key)) return this.answer(response, 200, files.get(key))
      return this.refuse(response, 404, 'This key holds nothing.')
    }
    if (body.changes) {
      for (const [name, value] of Object.entries(body.changes)) {
        if (value === null) files.delete(name)
        else files.set(name, JSON.stringify(value))
      }
      return this.answer(response, 204, undefined, told)
    }
    if (body.keys) {
      const values = body.keys.map(name => [name, files.has(name) ? JSON.parse(files.get(name)) : null])
      return this.answer(response, 200, { values: Object.fromEntries(values) })
    }
    const names = [...files.keys()].filter(name => name.startsWith(body.list) && name > (body.after ?? '')).sort()
    this.answer(response, 200, { keys: names.slice(0, 3), more: names.length > 3 })
  }
}

/** How many identities were made by `open`. */
export const minted = { count: 0 }

/** Open a session at a fake; its errors are collected in `errors`. */
export async function open (fake, options = {}) {
  const errors = []
  const session = await openSession({
    url: fake.url,
    token: 'secret',
    group: 'bots',
    instance: 'one',
    initAuthCreds: () => { minted.count++; return structuredClone(IDENTITY) },
    limits: SHORT,
    onError: error => errors.push(error),
    ...options
  })
  return Object.assign(session, { errors })
}

/** A fake for one test, with a session that is open; both are closed after it. */
export async function withSession (t, options = {}) {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  const session = await open(fake, options)
  fake.requests.length = 0
  return { fake, session, errors: session.errors }
}

/** An answer that the test gives when it likes: `held` is told of it. */
export function hold (fake, which = ({ body }) => body?.changes) {
  const held = []
  const waiters = []
  fake.misbehave = (seen, response) => {
    if (!which(seen)) return false
    return new Promise(resolve => {
      const one = { seen, response, go: () => resolve(false), refuse: (...rest) => { fake.refuse(response, ...rest); resolve(true) } }
      const waiter = waiters.shift()
      if (waiter) waiter(one)
      else held.push(one)
    })
  }
  return { next: () => held.length ? Promise.resolve(held.shift()) : new Promise(resolve => waiters.push(resolve)) }
}
