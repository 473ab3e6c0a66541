// A run: the dialog that corrects a result; R goes to the release button.

const dialog = document.getElementById("amend");

for (const button of document.querySelectorAll("[data-amend]")) {
  button.addEventListener("click", () => {
    dialog.querySelector("form").action = button.dataset.amend;
    document.getElementById("amend-code").textContent = button.dataset.code;
    dialog.showModal();
  });
}
dialog?.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());

document.addEventListener("keydown", (event) => {
  if (event.key.toUpperCase() !== "R" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) return;
  document.querySelector("#release-form .form-buttons .btn-primary")?.focus();
});
