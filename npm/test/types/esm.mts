import { addTransactionCapability, initAuthCreds, makeCacheableSignalKeyStore, makeWASocket, proto } from 'baileys'
import type { AuthenticationCreds, AuthenticationState, SignalKeyStore, UserFacingSocketConfig } from 'baileys'
import { HeldElsewhere, openSession, useSessionWorkerAuthState, type Session } from 'baileys-sessionworker'

declare const logger: Parameters<typeof addTransactionCapability>[1]

const options = { url: 'http://127.0.0.1:5656', token: 'x', group: 'bots', instance: 'sales', initAuthCreds, proto }

export async function start (): Promise<void> {
  const session: Session<AuthenticationCreds> = await openSession(options)
  const keys: SignalKeyStore = session.keys
  const auth: AuthenticationState = { creds: session.creds, keys: makeCacheableSignalKeyStore(keys, logger) }
  const sock = makeWASocket({ auth } as UserFacingSocketConfig)
  sock.ev.on('creds.update', session.saveCreds)
  session.onLost(lost => sock.end(lost))
  addTransactionCapability(keys, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 1 })
  session.creds.nextPreKeyId += 1
  // @ts-expect-error the credentials are Baileys' own, which have no such field
  session.creds.nothing += 1
  for await (const [id, value] of session.keys.list('session')) id.concat(value)
}

export async function startAsEver (): Promise<AuthenticationState> {
  const { state, saveCreds } = await useSessionWorkerAuthState(options)
  makeWASocket({ auth: state } as UserFacingSocketConfig).ev.on('creds.update', () => saveCreds())
  return state
}

export const secondsOf = (error: unknown): number => error instanceof HeldElsewhere ? error.seconds : 0
