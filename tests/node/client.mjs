/**
 * The session worker as a WhatsApp API process uses it: axios makes the calls, Baileys decides what is stored.
 *
 * A failed read, write or delete is swallowed here, because the real clients swallow it; `Worker.failures` counts
 * what they would never notice.
 */
import axios from 'axios'
import { baileys } from './versions.mjs'

const { BufferJSON, proto } = baileys

/** What a `GET` of a missing key may answer: 404 here, 400 in the older workers that this client is compared with. */
const MISSING = [400, 404]

// The Signal library prints whole sessions, private keys included, wherever it feels like it.
for (const level of ['log', 'debug', 'info', 'warn', 'error']) console[level] = () => {}

/** Print a line: `console` is silent here. */
export function say (line) {
  process.stdout.write(`${line}\n`)
}

/** The JSON text that Baileys stores of a value. */
export function textOf (value) {
  return JSON.stringify(value, BufferJSON.replacer)
}

/** A value as its JSON says it: bytes are text, whatever class they are of. */
export function plain (value) {
  return JSON.parse(textOf(value))
}

/** An error of axios carries the request, and with it the token: what went wrong goes on, the rest does not. */
function withoutRequest (error) {
  throw new Error(`${error.message} ${error.response?.data?.message ?? ''}`)
}

/** One group at one worker. */
export class Worker {
  /** The statuses of calls that ended in anything but the answer they were made for; undefined where none came. */
  refusals = []
  /** Milliseconds that each call took, in the order in which they ended. */
  latencies = []
  #http
  #ledger

  /**
   * @param {string} url of the worker, without a path
   * @param {string} [token] for the `apikey` header; without it there is no such header
   * @param {string} group the API's prefix
   * @param {import('./ledger.mjs').Ledger} [ledger] told of every write and delete
   */
  constructor (url, token, group, ledger) {
    this.url = url
    this.group = group
    this.#ledger = ledger
    this.#http = axios.create({ baseURL: `${url}/session`, headers: { apikey: token } })
  }

  /** How many calls ended in anything but the answer they were made for. */
  get failures () {
    return this.refusals.length
  }

  /** What an API process does once, at its start. Rejects where that process would stop itself. */
  async start () {
    const { data } = await axios.options(`${this.url}/ping`).catch(withoutRequest)
    if (data !== 'pong') throw new Error(`no worker answers at ${this.url}`)
    await this.#http.post('', { group: this.group }).catch(withoutRequest)
  }

  /** What comes before every connect. The one call whose error reaches the caller, as in the real clients. */
  async create (instance) {
    await this.#http.post(`/${this.group}`, { instance }).catch(error => {
      this.refusals.push(error.response?.status)
      withoutRequest(error)
    })
  }

  /** Store `value` the way Baileys writes it; true when the worker acknowledged it. */
  async write (instance, key, value) {
    return this.writeText(instance, key, textOf(value))
  }

  /** Store a JSON text as it is; true when the worker acknowledged it. */
  async writeText (instance, key, text) {
    return this.#change(instance, key, text, { method: 'post', data: { data: text } })
  }

  /** Delete one key; true when the worker acknowledged it. */
  async remove (instance, key) {
    return this.#change(instance, key, undefined, { method: 'delete' })
  }

  /** The value of a key with Baileys' buffers brought back; undefined when there is none or the call failed. */
  async read (instance, key) {
    const { data } = await this.#call({ method: 'get', url: this.#path(instance, key) })
    if (data === undefined || data === null || data === '') return undefined
    return JSON.parse(JSON.stringify(data), BufferJSON.reviver)
  }

  /** The bytes of a key as text, exactly as the worker sent them; undefined when there is no such key. */
  async readText (instance, key) {
    const asSent = { responseType: 'text', transformResponse: [text => text] }
    return (await this.#call({ method: 'get', url: this.#path(instance, key), ...asSent })).data
  }

  /** The names of the group's instances. */
  async instances () {
    return (await this.#call({ method: 'get', url: `/${this.group}/list-instances` })).data ?? []
  }

  /** Log an instance out: all its keys go. */
  async drop (instance) {
    return (await this.#call({ method: 'delete', url: `/${this.group}/${instance}` })).succeeded
  }

  /** The key goes into the path as it is, slashes and all: neither client escapes it. */
  #path (instance, key) {
    return `/${this.group}/${instance}/${key}`
  }

  async #change (instance, key, text, request) {
    const entry = this.#ledger?.begin(instance, key, text)
    const { succeeded } = await this.#call({ url: this.#path(instance, key), ...request })
    if (entry) this.#ledger.end(entry, succeeded)
    return succeeded
  }

  async #call (request) {
    const begun = performance.now()
    try {
      return { succeeded: true, data: (await this.#http.request(request)).data }
    } catch (error) {
      const status = error.response?.status
      if (request.method !== 'get' || !MISSING.includes(status)) this.refusals.push(status)
      return { succeeded: false, data: undefined }
    } finally {
      this.latencies.push(performance.now() - begun)
    }
  }
}

/**
 * One instance's state in the form that Baileys asks for.
 *
 * `fresh` is true when no credentials were found: the moment at which the real clients make a new identity.
 */
export async function openState (worker, instance) {
  await worker.create(instance)
  const found = await worker.read(instance, 'creds')
  const creds = found ?? baileys.initAuthCreds()
  const keys = {
    // All at once, without a limit: a large group asks for a thousand keys in one go.
    async get (type, ids) {
      const read = async id => [id, ofClass(type, await worker.read(instance, `${type}-${id}`))]
      return Object.fromEntries(await Promise.all(ids.map(read)))
    },
    // One after another: there is no call for a batch.
    async set (changes) {
      for (const [type, values] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(values)) {
          if (value) await worker.write(instance, `${type}-${id}`, value)
          else await worker.remove(instance, `${type}-${id}`)
        }
      }
    }
  }
  return { fresh: found === undefined, creds, keys, save: () => worker.write(instance, 'creds', creds) }
}

/** A value in the class that Baileys computes with. Its own stores do this; the real clients leave it out, or half. */
function ofClass (type, value) {
  return type === 'app-state-sync-key' && value ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
}
