/** The store of keys as Baileys wants it: one request for a `get`, one for a `set`. */
import { encode, withBytes } from './buffers.js'
import type { Instance } from './instance.js'
import type { KeyStore, Proto } from './types.js'
import { MOST_NAMES, type Changes, type Writer } from './writer.js'

/** How many keys a listing reads at once. */
const PAGE = 500

/** `sender-key-memory-...` begins as the keys of `sender-key` do. */
const ALSO_BEGINS_SO: { [type: string]: string } = { 'sender-key': 'sender-key-memory-' }

/** Which keys are known to hold nothing, as long as nobody else can write. */
export interface Misses {
  has (key: string): boolean
  add (key: string): void
  delete (key: string): void
}

export class Keys implements KeyStore {
  readonly #instance: Instance
  readonly #writer: Writer
  readonly #misses: () => Misses | undefined
  readonly #proto: Proto | undefined
  /** For each read under way, the keys that were not changed since it began. */
  readonly #reading = new Set<Set<string>>()

  /** `misses` gives none where somebody else may write. */
  constructor (instance: Instance, writer: Writer, misses: () => Misses | undefined, proto: Proto | undefined) {
    this.#instance = instance
    this.#writer = writer
    this.#misses = misses
    this.#proto = proto
  }

  // Both are handed over by themselves now and then: they are functions of this object.
  get = async (type: string, ids: string[]): Promise<{ [id: string]: any }> => {
    const found: { [id: string]: any } = Object.create(null) // an id may be called __proto__
    const misses = this.#misses()
    const asked = new Set<string>()
    for (const id of ids) {
      const key = `${type}-${id}`
      const text = this.#writer.waiting(key)
      if (typeof text === 'string') found[id] = this.#value(type, JSON.parse(text))
      else if (text === undefined && !misses?.has(key)) asked.add(key)
    }
    if (asked.size === 0) return found
    const beginning = type.length + 1
    for (const [key, value] of await this.#read(asked)) {
      if (value !== null) found[key.slice(beginning)] = this.#value(type, value)
    }
    return found
  }

  set = async (data: { [type: string]: { [id: string]: any } | undefined }): Promise<void> => {
    const changes: Changes = new Map()
    for (const type of Object.keys(data)) {
      const values = data[type] ?? {}
      for (const id of Object.keys(values)) {
        const text = encode(values[id])
        changes.set(`${type}-${id}`, text === undefined || text === 'null' ? null : text)
      }
    }
    return this.#add(changes)
  }

  async clear (): Promise<void> {
    await this.#writer.settled()
    for await (const names of this.#instance.names('')) {
      await this.#add(new Map(names.filter(name => name !== 'creds').map(name => [name, null])))
    }
  }

  async * list (type: string): AsyncGenerator<readonly [id: string, value: any]> {
    for await (const ids of this.#pages(type)) {
      for (let from = 0; from < ids.length; from += PAGE) {
        const page = ids.slice(from, from + PAGE)
        const found = await this.get(type, page)
        for (const id of page) if (id in found) yield [id, found[id]]
      }
    }
  }

  async * listIds (type: string): AsyncGenerator<string> {
    for await (const ids of this.#pages(type)) yield * ids
  }

  async * #pages (type: string): AsyncGenerator<string[]> {
    await this.#writer.settled()
    const prefix = `${type}-`
    const other = ALSO_BEGINS_SO[type]
    for await (const names of this.#instance.names(prefix)) {
      const ours = other === undefined ? names : names.filter(name => !name.startsWith(other))
      yield ours.map(name => name.slice(prefix.length))
    }
  }

  #add (changes: Changes): Promise<void> {
    const misses = this.#misses()
    for (const key of changes.keys()) {
      misses?.delete(key)
      for (const unchanged of this.#reading) unchanged.delete(key)
    }
    return this.#writer.add(changes)
  }

  async #read (asked: Set<string>): Promise<Map<string, unknown>> {
    const keys = [...asked]
    const misses = this.#misses()
    this.#reading.add(asked)
    try {
      let found = await this.#instance.read(keys.length > MOST_NAMES ? keys.slice(0, MOST_NAMES) : keys)
      for (let from = MOST_NAMES; from < keys.length; from += MOST_NAMES) {
        found = new Map([...found, ...await this.#instance.read(keys.slice(from, from + MOST_NAMES))])
      }
      // The object itself must be the same: another one was begun when the lease was in doubt meanwhile.
      if (misses !== undefined && misses === this.#misses()) {
        for (const key of asked) if (found.get(key) === null) misses.add(key)
      }
      return found
    } finally {
      this.#reading.delete(asked)
    }
  }

  #value (type: string, parsed: unknown): any {
    const value = withBytes(parsed)
    if (type !== 'app-state-sync-key' || this.#proto === undefined) return value
    return this.#proto.Message.AppStateSyncKeyData.fromObject(value)
  }
}
