/**
 * What a worker may hold for each key, judged by what it acknowledged.
 *
 * An acknowledged change rules out every change of the same key that had ended before it began. A change whose call
 * failed may or may not have happened, and so may one that overlaps with an acknowledged one.
 */
export class Ledger {
  #clock = 0
  /** instance -> key -> changes that may be the key's last one */
  #instances = new Map()

  /** A write (`text`) or a delete (`undefined`) is about to be sent. Returns the entry to `end`. */
  begin (instance, key, text) {
    const entry = { instance, key, text, begun: ++this.#clock, ended: Infinity }
    this.#possible(instance, key).push(entry)
    return entry
  }

  /** The call is over. */
  end (entry, acknowledged) {
    entry.ended = ++this.#clock
    if (!acknowledged) return
    const possible = this.#possible(entry.instance, entry.key)
    this.#instances.get(entry.instance).set(entry.key, possible.filter(other => other.ended >= entry.begun))
  }

  /** How many keys were ever written or deleted. */
  get size () {
    return [...this.#instances.values()].reduce((sum, keys) => sum + keys.size, 0)
  }

  /**
   * Read every key of `instances` back, and return the `instance/key` of each that holds something it may not hold.
   * What was read once has to stay, until it is changed: nothing may be under way meanwhile.
   */
  async check (worker, instances = [...this.#instances.keys()]) {
    const wrong = []
    for (const instance of instances) {
      const keys = this.#instances.get(instance) ?? []
      for (const [key, possible] of keys) {
        const text = await worker.readText(instance, key)
        const found = possible.filter(entry => entry.text === text)
        if (found.length) keys.set(key, found)
        else wrong.push(`${instance}/${key}`)
      }
    }
    return wrong
  }

  #possible (instance, key) {
    if (!this.#instances.has(instance)) this.#instances.set(instance, new Map())
    const keys = this.#instances.get(instance)
    // Before its first change, a key is known to be absent.
    if (!keys.has(key)) keys.set(key, [{ text: undefined, begun: 0, ended: 0 }])
    return keys.get(key)
  }
}
