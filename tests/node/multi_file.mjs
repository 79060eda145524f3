/**
 * Writes or reads an account by Baileys' own `useMultiFileAuthState`.
 *
 *     node multi_file.mjs write|read FOLDER
 *
 * Takes one JSON document from its standard input: `{ creds, keys: { TYPE: { ID: value } } }` to write; to read,
 * `{ TYPE: [ID] }`, and then prints the document that `write` takes.
 */
import { text } from 'node:stream/consumers'
import { baileys } from './versions.mjs'

const { BufferJSON, useMultiFileAuthState } = baileys
const [what, folder] = process.argv.slice(2)
const asked = JSON.parse(await text(process.stdin), BufferJSON.reviver)
const { state, saveCreds } = await useMultiFileAuthState(folder)
if (what === 'write') {
  for (const name of Object.keys(state.creds)) delete state.creds[name]
  Object.assign(state.creds, asked.creds)
  await saveCreds()
  await state.keys.set(asked.keys)
} else {
  const keys = {}
  for (const type in asked) keys[type] = await state.keys.get(type, asked[type])
  process.stdout.write(JSON.stringify({ creds: state.creds, keys }, BufferJSON.replacer))
}
