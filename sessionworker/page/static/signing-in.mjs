// Hands in the code of a link that `sessionworker ui` printed. The address, and the history, are without it from then on.
const code = /^#once=([\w-]+)$/.exec(location.hash)?.[1];
if (code) {
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("sign-in");
  form.elements.code.value = code;
  form.submit();
}
