// Keys for reviewing: a approves, r rejects (after a note), n goes on. Everything works without this script, too.
let lastKey = -Infinity;
document.addEventListener("keydown", (event) => {
  // Somebody typing words into a page that has just changed under them must not decide anything with one of the letters.
  const hasty = event.timeStamp - lastKey < 250;
  lastKey = event.timeStamp;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || hasty) return;
  const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!found) return;
  const note = document.getElementById("note");
  if (event.key === "r" && note && !note.value.trim()) {
    note.placeholder = "Why? Type a reason, then press Enter.";
    note.dataset.rejecting = "yes";
    note.focus();
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
document.querySelectorAll('#decide input:not(#note)').forEach((input) =>
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); input.blur(); } }));
