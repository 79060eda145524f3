const form = document.getElementById('sign-in')

// Hands in the code of a link that `sessionworker ui` printed. The address, and the history, are without it from then on.

const code = /^#once=([\w-]+)$/.exec(location.hash)?.[1]
if (code) {
  history.replaceState(null, '', location.pathname)
  form.elements.code.value = code
  form.submit()
}

// Whoever follows a link in a chat is signed in, perhaps: the browser keeps the cookie back for a page that comes from
// elsewhere, and sends it for what this one asks for.

const isFromElsewhere = !document.referrer || new URL(document.referrer).origin !== location.origin
if (!code && isFromElsewhere && location.href !== form.action) {
  const answer = await fetch(form.action, { method: 'HEAD', headers: { 'X-Refresh': '1' } })
  if (answer.status === 204) location.replace(location.href)
}
