/** The calls of the protocol for one instance, repeated until they have an answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BadAnswer, HeldElsewhere, Refused, TooOld, Unavailable, WorkerError } from './errors.js'
import { NoAnswer, type Answer, type Wire } from './wire.js'

/** Of these another attempt may be better: the worker's own two, and a proxy's for a worker that is away. */
const PASSING = new Set([502, 503, 504, 507])

const NO_CHANGES = '{"changes":{}}'

const NOTHING_HELD = 'This key holds nothing.'

/** Seconds to wait where a worker says 409 without saying how long. */
const LEASE_SECONDS = 30

export class Instance {
  readonly #wire: Wire
  readonly #group: string
  readonly #path: string
  readonly #name: string
  readonly #owner: string | undefined
  /** When the last request began that the worker accepted from the owner, in ms of `performance.now()`. */
  acceptedAt = -Infinity
  /** The id of the lease that the last accepted answer told of; undefined from a worker that knows of none. */
  lease: string | undefined

  constructor (wire: Wire, group: string, instance: string, owner: string | undefined) {
    this.#wire = wire
    this.#group = `/session/${encodeURIComponent(group)}`
    this.#path = `${this.#group}/${encodeURIComponent(instance)}`
    this.#name = instance
    this.#owner = owner
  }

  /** See that the instance exists and that its credentials can be read; take the lease. */
  async create (): Promise<void> {
    await this.#owned('POST', this.#group, JSON.stringify({ instance: this.#name }), 204)
  }

  /** Renew the lease. Tried once: the next period is an attempt too, and none may keep a process up. */
  async renew (): Promise<void> {
    const begun = performance.now()
    // No changes: unlike a create, this does not bring back an instance that was dropped.
    const answer = await this.#wire.send('POST', this.#path, NO_CHANGES, this.#owner)
    if (answer.status !== 204) throw this.#bulkRefusal(answer)
    this.#accepted(begun, answer)
  }

  /** Let go of the lease. Tried once: it ends by itself. */
  async release (): Promise<void> {
    const body = JSON.stringify({ instance: this.#name, release: true })
    await this.#wire.send('POST', this.#group, body, this.#owner)
  }

  /** The text of the credentials; undefined if the worker says in so many words that there are none. */
  async creds (): Promise<string | undefined> {
    const answer = await this.#repeat('GET', `${this.#path}/creds`)
    if (answer.status === 200) return answer.text
    if (answer.status === 404 && sentence(answer) === NOTHING_HELD) return undefined
    throw refusal(answer)
  }

  /** Make changes, all or none: `body` is `{"changes": {...}}`. */
  async change (body: string): Promise<void> {
    await this.#owned('POST', this.#path, body, 204)
  }

  /** Change nothing: a worker that is too old for changes says so. */
  async check (): Promise<void> {
    await this.change(NO_CHANGES)
  }

  /** Delete the instance with all that it holds. */
  async drop (): Promise<void> {
    await this.#owned('DELETE', this.#path, undefined, 200)
  }

  /** What keys hold, parsed from JSON; null for those that hold nothing. Each key that is asked for has an entry. */
  async read (keys: string[]): Promise<Map<string, unknown>> {
    const found = new Map<string, unknown>()
    for (let left = keys; left.length > 0;) {
      const { values, left: rest = [] } = await this.#ask({ keys: left })
      if (typeof values !== 'object' || values === null || !Array.isArray(rest) || rest.length >= left.length) {
        throw new BadAnswer('The worker answered a read without values.', 200)
      }
      const later = rest.length > 0 ? new Set(rest) : undefined
      for (const key of left) {
        if (later?.has(key)) continue
        if (!Object.hasOwn(values, key)) throw new BadAnswer('The worker left a key out of its answer.', 200)
        found.set(key, (values as Record<string, unknown>)[key])
      }
      left = rest
    }
    return found
  }

  /** The names of keys that begin with `prefix`, page by page. */
  async * names (prefix: string): AsyncGenerator<string[]> {
    let after: string | undefined
    do {
      const { keys, more } = await this.#ask({ list: prefix, after })
      if (!Array.isArray(keys) || typeof more !== 'boolean' || (more && keys.length === 0)) {
        throw new BadAnswer('The worker answered a listing without names.', 200)
      }
      yield keys
      after = more ? keys[keys.length - 1] : undefined
    } while (after !== undefined)
  }

  async #ask (question: object): Promise<Record<string, unknown>> {
    const answer = await this.#repeat('POST', this.#path, JSON.stringify(question))
    if (answer.status !== 200) throw this.#bulkRefusal(answer)
    return objectOf(answer.text)
  }

  async #owned (method: string, path: string, body: string | undefined, expected: number): Promise<void> {
    const begun = performance.now()
    const answer = await this.#repeat(method, path, body)
    if (answer.status !== expected) throw path === this.#path ? this.#bulkRefusal(answer) : refusal(answer)
    this.#accepted(begun, answer)
  }

  #accepted (begun: number, answer: Answer): void {
    this.acceptedAt = begun
    this.lease = answer.lease
  }

  #bulkRefusal (answer: Answer): WorkerError {
    if (answer.status !== 405) return refusal(answer)
    return new TooOld('This worker does not know the call for many keys: it is too old. 0.2.0 or newer is needed.', 405)
  }

  /** Send it again while there is no answer, or one that says "later". Rejects with `Unavailable`. */
  async #repeat (method: string, path: string, body?: string): Promise<Answer> {
    const { total, backoff: [least, most] } = this.#wire.limits
    const deadline = performance.now() + total
    for (let attempt = 0; ; attempt++) {
      let why: string
      let status: number | undefined
      let pause = Math.min(most, least * 2 ** attempt) * (0.5 + Math.random() / 2)
      try {
        const answer = await this.#wire.send(method, path, body, this.#owner)
        if (!PASSING.has(answer.status)) return answer
        status = answer.status
        why = sentence(answer) ?? `status ${status}`
        pause = Math.max(pause, answer.retryAfter * 1000)
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        why = error.message
        // The worker closed while this was idle. The content is the same state when it arrives twice.
        if (error.wasClosed) pause = 0
      }
      if (performance.now() + pause > deadline) throw new Unavailable(`The worker cannot be used now: ${why}`, status)
      if (pause > 0) await sleep(pause)
    }
  }
}

/** An answer's JSON object. */
export function objectOf (text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new BadAnswer('The answer is no JSON.', 200) // the parser's own words would quote it
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadAnswer('The answer is no object.', 200)
  return value as Record<string, unknown>
}

/** The sentence of an error, if it is one of the worker's. */
function sentence (answer: Answer): string | undefined {
  try {
    const { message } = objectOf(answer.text)
    return Array.isArray(message) && typeof message[0] === 'string' ? message[0] : undefined
  } catch {
    return undefined
  }
}

function refusal (answer: Answer): WorkerError {
  if (answer.status === 409) return new HeldElsewhere(answer.retryAfter || LEASE_SECONDS)
  const said = sentence(answer)
  if (answer.status < 400) return new BadAnswer(`Status ${answer.status} is none of this call's.`, answer.status)
  return new Refused(said ?? `The answer has the status ${answer.status}.`, answer.status)
}
