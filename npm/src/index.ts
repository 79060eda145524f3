export { BadAnswer, HeldElsewhere, Lost, NotPaired, Refused, TooOld, Unavailable, WorkerError } from './errors.js'
export { importFolder, type Imported } from './folder.js'
export { openSession, useSessionWorkerAuthState, type Session } from './session.js'
export type { Address, KeyStore, Limits, Options, Proto } from './types.js'
