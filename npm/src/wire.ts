/** One request and its answer, over connections that are kept. */
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Address, Limits } from './types.js'

export const LIMITS: Limits = {
  connect: 2_000, call: 10_000, total: 30_000, backoff: [100, 5_000], renew: 10_000, creds: 5_000
}

/** Idle connections are given up well before the worker does it, after 75 s: a request must not meet that. */
const KEEP_ALIVE = { keepAlive: true, timeout: 20_000 }

// One of each for the whole process: they tell addresses and certificates apart, and idle sockets keep no process up.
const plainAgent = new http.Agent(KEEP_ALIVE)
const tlsAgent = new https.Agent(KEEP_ALIVE)

export interface Answer {
  status: number
  text: string
  /** Seconds that the worker asks to wait; 0 if it does not. */
  retryAfter: number
  /** The id of the owner's lease, if the worker tells of one. */
  lease: string | undefined
}

/** No answer, or none that is whole. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'

  /** @param wasClosed whether a connection that had been idle was closed under the request */
  constructor (message: string, readonly wasClosed: boolean) {
    super(message)
  }
}

/** How many connections were lost in this process: each may mean that a worker was started anew. */
export let losses = 0

/** A worker at its address. */
export class Wire {
  readonly limits: Limits
  readonly #base: https.RequestOptions
  readonly #path: string
  readonly #headers: string[]
  readonly #request: typeof https.request

  /** Throws a TypeError if the address is none, or there is no token. */
  constructor ({ url, token, socketPath, tls, limits }: Address) {
    const { protocol, host, hostname, port, pathname } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError('The url begins with http:// or https://.')
    if (typeof token !== 'string' || token === '') throw new TypeError('A token is needed.')
    const isTls = protocol === 'https:'
    this.#request = isTls ? https.request : http.request
    this.#path = pathname.replace(/\/+$/, '')
    this.#base = {
      ...tls as https.RequestOptions,
      ...(socketPath === undefined ? {} : { socketPath }),
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || (isTls ? 443 : 80),
      agent: isTls ? tlsAgent : plainAgent,
    }
    this.#headers = ['Host', host, 'apikey', token]
    this.limits = { ...LIMITS, ...limits }
  }

  /** Rejects with `NoAnswer`. `owner` goes into the header of that name, if there is one. */
  send (method: string, path: string, body?: string, owner?: string): Promise<Answer> {
    const { connect, call } = this.limits
    return new Promise((resolve, reject) => {
      const headers = [...this.#headers]
      if (owner !== undefined) headers.push('owner', owner)
      if (body !== undefined) headers.push('Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(body)))
      const request = this.#request({ ...this.#base, method, path: this.#path + path, headers })
      const fail = (why: string, isReset = false): void => {
        clearTimeout(timer)
        losses++
        reject(new NoAnswer(why, isReset && request.reusedSocket))
        request.destroy()
      }
      const timer = setTimeout(() => fail(`no answer within ${call} ms`), call)
      request.once('socket', socket => {
        if (!socket.connecting) return
        watch(socket)
        const slow = setTimeout(() => fail(`no connection within ${connect} ms`), connect)
        socket.once('connect', () => clearTimeout(slow)).once('close', () => clearTimeout(slow))
      })
      request.once('error', error => fail(...reason(error)))
      request.once('response', response => {
        const parts: Buffer[] = []
        response.on('data', part => parts.push(part))
        response.once('error', error => fail(...reason(error)))
        response.once('end', () => {
          clearTimeout(timer)
          const bytes = parts.length === 1 ? parts[0] as Buffer : Buffer.concat(parts)
          const retryAfter = Math.max(0, Number(response.headers['retry-after'])) || 0
          const lease = response.headers.lease as string | undefined
          resolve({ status: response.statusCode as number, text: bytes.toString(), retryAfter, lease })
        })
      })
      request.end(body)
    })
  }
}

/** Why there is no answer, and whether a closed connection is the reason. */
function reason (error: NodeJS.ErrnoException): [string, boolean] {
  return [error.code ?? 'the answer broke off', error.code === 'ECONNRESET' || error.code === 'EPIPE']
}

/** Count a connection that ends in another way than by being idle here. */
function watch (socket: Socket): void {
  let isOurs = false
  socket.once('timeout', () => { isOurs = true })
  socket.once('close', () => { if (!isOurs) losses++ })
}
