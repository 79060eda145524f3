// What a script adds to pages that work without one: times of this place, numbers that stay new, questions in a dialog.

const language = document.documentElement.lang
const shortTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })

function showTimes(root) {
  for (const one of root.querySelectorAll('time[datetime]')) {
    one.title = one.textContent
    one.textContent = shortTime.format(new Date(one.dateTime))
  }
}

// Refreshing: the same address is asked for again, and what is marked as live takes the place of what was there.

const EVERY = 5_000
const MOST = 60_000
let wait = EVERY
let answeredAt = new Date()

function isInUse(element) {
  return element.contains(document.activeElement) && document.activeElement !== document.body
}

function replaceLive(fresh) {
  showTimes(fresh)
  for (const old of document.querySelectorAll('[data-live]')) {
    const found = fresh.getElementById(old.id)
    if (!found || isInUse(old) || found.innerHTML === old.dataset.was) continue
    const open = [...old.querySelectorAll('details[open]')].map(one => [...old.querySelectorAll('details')].indexOf(one))
    found.dataset.was = found.innerHTML
    old.replaceWith(document.adoptNode(found))
    open.forEach(at => found.querySelectorAll('details')[at]?.setAttribute('open', ''))
  }
}

async function ask(url, signal) {
  const answer = await fetch(url, { signal, headers: { 'X-Refresh': '1' } })
  if (answer.status === 401) return location.reload() // the session is over
  if (!answer.ok) throw new Error(String(answer.status))
  return new DOMParser().parseFromString(await answer.text(), 'text/html')
}

const gone = document.getElementById('gone')

function setGone(isGone) {
  gone.hidden = !isGone
  if (isGone) gone.textContent = gone.dataset.text.replace('{when}', shortTime.format(answeredAt))
  for (const button of document.querySelectorAll('main button')) button.disabled = isGone
}

async function refresh() {
  const asked = location.href
  try {
    const fresh = await ask(asked)
    if (location.href !== asked) return // somebody searches, and sees what is newer
    if (fresh) replaceLive(fresh)
    answeredAt = new Date()
    wait = EVERY
    setGone(false)
  } catch {
    wait = Math.min(wait * 2, MOST)
    setGone(true)
  }
}

async function keepFresh() {
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, wait))
    if (!document.hidden && !document.querySelector('dialog[open]')) await refresh()
  }
}

// Searching while somebody types.

const filter = document.querySelector('form[data-search]')
let searching = null

async function search() {
  searching?.abort()
  searching = new AbortController()
  const asked = new FormData(filter)
  for (const [name, value] of [...asked]) if (!value || (name === 'sort' && value === 'state')) asked.delete(name)
  const query = new URLSearchParams(asked).toString()
  const url = location.pathname + (query && `?${query}`)
  try {
    const fresh = await ask(url, searching.signal)
    history.replaceState(null, '', url)
    if (fresh) replaceLive(fresh)
  } catch (error) {
    if (error.name !== 'AbortError') setGone(true)
  }
}

let typing = 0
filter?.addEventListener('input', () => {
  clearTimeout(typing)
  typing = setTimeout(search, 200)
})

// Questions: the page that asks is shown in a dialog over the one that led to it.

document.addEventListener('click', async event => {
  const link = event.target.closest('a[data-dialog]')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
  event.preventDefault()
  try {
    const asked = await ask(link.href)
    showTimes(asked)
    const dialog = document.createElement('dialog')
    const question = asked.getElementById('confirm')
    question.querySelector('form').action = link.href
    dialog.setAttribute('aria-labelledby', 'confirm-title')
    dialog.append(document.adoptNode(question))
    document.body.append(dialog)
    dialog.addEventListener('close', () => {
      dialog.remove()
      link.focus()
    })
    dialog.querySelector('.buttons a').addEventListener('click', close => {
      close.preventDefault()
      dialog.close()
    })
    dialog.showModal()
  } catch {
    location.assign(link.href)
  }
})

// Keys: "/" goes to the search, Escape empties it.

document.addEventListener('keydown', event => {
  const field = document.getElementById('q') ?? document.getElementById('search')
  const isTyping = /^(input|select|textarea)$/i.test(document.activeElement?.tagName ?? '')
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && field) {
    event.preventDefault()
    field.focus()
  } else if (event.key === 'Escape' && document.activeElement === field && field.value) {
    field.value = ''
    field.dispatchEvent(new Event('input', { bubbles: true }))
  }
})

showTimes(document)
for (const live of document.querySelectorAll('[data-live]')) live.dataset.was = live.innerHTML
if (document.querySelector('[data-live]')) keepFresh()
