// One key for each button that names one; never while somebody writes.

const buttons = new Map(
  [...document.querySelectorAll("button[data-key]")].map((button) => [button.dataset.key, button]),
);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.closest("input, textarea, select")) return;
  const button = buttons.get(event.key);
  if (!button) return;
  event.preventDefault();
  button.click();
});
