/**
 * The code that a patch in `contrib/` adds to an API, as a program: what the patch shows of the patched files, put
 * together, with our own lines where it shows nothing.
 */
import { readFile } from 'node:fs/promises'
import ts from 'typescript'

const PROVIDER = /provider\/sessions\.ts$/
const STATE = /use-multi-file-auth-state-provider-files\.ts$/

/** What stands between two hunks: the last line that the patch shows before -> what goes on after it. */
const BETWEEN = {
  'constructor(': 'private readonly configService, private readonly providerFiles) {}',
  'state: {': 'creds, keys: { get: async (type, ids) => {',
  'removeCreds,': '} } }',
  '}': '}'
}

/** The hunks of one file of a patch, each as the patched file has it. */
function hunksOf (patch, name) {
  const file = patch.split(/^diff --git .*$/m).find(part => name.test(/^\+\+\+ (.*)$/m.exec(part)?.[1] ?? ''))
  return file.split(/^@@ .*$/m).slice(1).map(hunk => hunk
    .split(/\r?\n/).filter(line => /^[ +]/.test(line)).map(line => line.slice(1)).join('\n'))
}

function joined (hunks) {
  return hunks.map(hunk => `${hunk}\n${BETWEEN[hunk.trim().split('\n').at(-1).trim()] ?? ''}\n`).join('')
}

/** A class for the worker at one address, with the method of the patch; the rest is as both APIs have it. */
function providerOf (patch) {
  const method = /^ {2}public async many.*?^ {2}\}$/ms.exec(joined(hunksOf(patch, PROVIDER)))[0]
  return `export class ProviderFiles {
    constructor (url, token, group) {
      this.baseUrl = url + '/session/' + group
      this.globalApiToken = token
      this._client = axios.create({ baseURL: this.baseUrl, headers: { apikey: token } })
    }
    async create (instance) {
      try {
        return [await this._client.post('', { instance })]
      } catch (error) {
        return [null, error]
      }
    }
    ${method}
  }`
}

/**
 * The classes `ProviderFiles` and `AuthStateProvider` of a patched API.
 *
 * @param {string} path of the patch
 * @param {object} given what the patched files import: `axios`, and of Baileys what they need
 * @param {number} [patience] milliseconds for which a request is repeated, in place of the patch's own
 */
export async function patched (path, given, patience) {
  const patch = await readFile(path, 'utf8')
  const state = /^\/\/ What one request.*/ms.exec(joined(hunksOf(patch, STATE)))[0]
  const names = Object.keys(given).join(', ')
  const hurried = patience ? state.replace(/PATIENCE_MS = [\d_]+/, `PATIENCE_MS = ${patience}`) : state
  const source = `const { ${names}, Logger } = globalThis.given\n${providerOf(patch)}\n${hurried}`
  const { outputText, diagnostics } = ts.transpileModule(source, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2020, module: ts.ModuleKind.ESNext }
  })
  if (diagnostics.length) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost({})))
  globalThis.given = { ...given, Logger: class { error () {} info () {} } }
  return import(`data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`)
}
