#!/usr/bin/env node
/** `baileys-sessionworker import FOLDER URL GROUP INSTANCE`, with the token in SESSIONWORKER_TOKEN. */
import { importFolder } from './folder.js'

const USAGE = `Usage: SESSIONWORKER_TOKEN=... baileys-sessionworker import FOLDER URL GROUP INSTANCE

Takes an account over from a folder of useMultiFileAuthState. Stop the program that uses it first.`

const [command, folder, url, group, instance, ...more] = process.argv.slice(2)
const token = process.env.SESSIONWORKER_TOKEN

if (command !== 'import' || !folder || !url || !group || !instance || more.length > 0) {
  console.error(USAGE)
  process.exitCode = 2
} else if (!token) {
  console.error('The environment variable SESSIONWORKER_TOKEN is not set: the token of the worker.')
  process.exitCode = 2
} else {
  try {
    const { keys, broken } = await importFolder(folder, { url, token, group, instance })
    console.log(`${keys} keys and the credentials are stored. Do not use the folder any more.`)
    if (broken.length > 0) console.log(`${broken.length} files hold no JSON and were left out.`)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
