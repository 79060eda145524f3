/** The owner's lease: kept alive while nothing is written, and what may be remembered as long as it is sure. */
import { HeldElsewhere, WorkerError } from './errors.js'
import type { Instance } from './instance.js'
import type { Misses } from './keys.js'
import { losses } from './wire.js'

/** A lease lives for 30 s from the owner's last accepted request; the rest is for clocks. */
const SURE_MS = 25_000

/** How many keys that hold nothing are remembered. */
const MOST_MISSES = 100_000

export class Lease {
  readonly #instance: Instance
  readonly #timer: NodeJS.Timeout
  #misses = new Set<string>()
  #lossesBefore = losses
  #acceptedBefore = -Infinity
  #idBefore: string | undefined

  /** Every `period` ms the lease is renewed, if no write has done it. */
  constructor (instance: Instance, period: number, onConflict: () => void, onError: (error: Error) => void) {
    this.#instance = instance
    this.#timer = setInterval(() => {
      if (performance.now() - instance.acceptedAt < period * 0.9) return
      this.misses() // before the renewal hides that the lease had lapsed
      instance.renew().catch(error => {
        if (error instanceof HeldElsewhere) onConflict()
        else if (error instanceof WorkerError && error.status === 404) this.#gone(onError, error)
      })
    }, period)
    this.#timer.unref()
  }

  /**
   * The keys that are known to hold nothing, until somebody else could have written. Undefined where the worker tells
   * of no lease: it knows of none, and anybody may write.
   *
   * Somebody could when the lease was not renewed in time or was taken anew, which has another id, or when a connection
   * was lost: a worker that is started anew knows of no lease.
   */
  misses (): Misses | undefined {
    const { acceptedAt, lease } = this.#instance
    const hasLapsed = performance.now() - acceptedAt > SURE_MS || acceptedAt - this.#acceptedBefore > SURE_MS
    const isSame = losses === this.#lossesBefore && lease === this.#idBefore && !hasLapsed
    if (!isSame || this.#misses.size > MOST_MISSES) this.#misses = new Set()
    this.#lossesBefore = losses
    this.#acceptedBefore = acceptedAt
    this.#idBefore = lease
    return lease === undefined ? undefined : this.#misses
  }

  /** Renew it no more. */
  stop (): void {
    clearInterval(this.#timer)
  }

  #gone (onError: (error: Error) => void, error: Error): void {
    this.stop()
    onError(error)
  }
}
