import { openSession } from 'baileys-sessionworker'

const address = { url: 'http://127.0.0.1', group: 'bots', instance: 'sales' }
export const withoutToken = openSession({ ...address, initAuthCreds: () => ({ n: 1 }) })

export const withoutIdentity = openSession({ ...address, token: 'x' })

export const wrongPart = openSession({ ...address, token: 'x', initAuthCreds: () => ({ n: 1 }) }).then(({ creds }) => creds.m)
