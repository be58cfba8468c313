// Keys for reviewing: a goes to Approve, where Enter approves; e goes to the value; r rejects (after a note); j and k go on and
// back, among the rows of a batch too. No single key approves. Everything works without this script.
let lastKey = -Infinity;
document.addEventListener("keydown", (event) => {
  // Somebody typing words into a page that has just changed under them must not decide anything with one of the letters.
  const hasty = event.timeStamp - lastKey < 250;
  lastKey = event.timeStamp;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing && event.key === "Escape") event.target.blur();
  const ticking = event.target.type === "checkbox"; // j, k and the rest work from a row's box; letters do not change it
  if ((typing && !ticking) || hasty) return;
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length && (event.key === "j" || event.key === "k")) {
    const at = rows.indexOf(document.activeElement), step = event.key === "j" ? 1 : -1;
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
    event.preventDefault();
    return;
  }
  if (event.key === "e") {
    const value = document.querySelector('#decide input[name^="value-"]');
    if (value) { value.focus(); value.select(); event.preventDefault(); }
    return;
  }
  const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!found) return;
  const note = document.getElementById("note");
  if (event.key === "r" && note && !note.value.trim()) {
    note.placeholder = "Why? Type a reason, then press Enter.";
    note.dataset.rejecting = "yes";
    note.focus();
  } else if ("confirm" in found.dataset) {
    found.focus(); // approving takes a second key, on a button that shows that it has the focus
  } else {
    found.click();
  }
  event.preventDefault();
});
document.getElementById("note")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // Enter in the note must never approve by being the form's first button.
  if (event.target.dataset.rejecting && event.target.value.trim()) document.querySelector('[data-key="r"]').click();
});
// Enter in an edited value must not approve by accident either: deciding takes a button or its key.
document.querySelectorAll('#decide input:not(#note):not([type=checkbox])').forEach((input) =>
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); input.blur(); } }));
