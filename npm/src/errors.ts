/** What can go wrong. No message ever holds a token, a key's name or a value. */

/** A call was not done. */
export class WorkerError extends Error {
  override readonly name: string = 'WorkerError'

  /** @param status that the worker answered with; undefined where no answer came */
  constructor (message: string, readonly status?: number, options?: ErrorOptions) {
    super(message, options)
  }
}

/** The worker refused, for good: repeating the call would change nothing. */
export class Refused extends WorkerError {
  override readonly name = 'Refused'
}

/** No answer, or none but "later", in all the time that a call has. Whether a write was done is not known. */
export class Unavailable extends WorkerError {
  override readonly name = 'Unavailable'
}

/** An answer that is none of this protocol. Nothing may be concluded from it. */
export class BadAnswer extends WorkerError {
  override readonly name = 'BadAnswer'
}

/** The worker does not know the call for many keys. */
export class TooOld extends WorkerError {
  override readonly name = 'TooOld'
}

/** The instance has no credentials, and `mayPair` is false. */
export class NotPaired extends WorkerError {
  override readonly name = 'NotPaired'
}

/** Another process has this account now. */
export class HeldElsewhere extends WorkerError {
  override readonly name = 'HeldElsewhere'

  /** @param seconds until the other one's lease ends, if it is not renewed */
  constructor (readonly seconds: number) {
    super(`Another process holds this instance, for ${seconds} s at least.`, 409)
  }
}

/** This session is over: nothing more is stored through it. */
export class Lost extends WorkerError {
  override readonly name = 'Lost'

  /** @param reason who ended it: another process, a newer session of this process, or `close` or `drop` here */
  constructor (readonly reason: 'held elsewhere' | 'replaced' | 'closed' | 'dropped') {
    super(`This session is over: ${reason}.`)
  }
}
