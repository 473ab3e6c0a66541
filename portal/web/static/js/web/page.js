// What every page needs: the menu on small screens, questions before posted steps, offline band.

for (const opener of document.querySelectorAll("[data-opens]")) {
  const target = document.getElementById(opener.dataset.opens);
  opener.addEventListener("click", () => {
    const isOpen = target.classList.toggle("is-open");
    opener.setAttribute("aria-expanded", String(isOpen));
  });
}

// One menu group open at a time; a click elsewhere or Escape closes it.
const groups = document.querySelectorAll(".menu-group details");
const close = (except) => {
  for (const group of groups) if (group !== except) group.open = false;
};
document.addEventListener("click", (event) => close(event.target.closest(".menu-group details")));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close(null);
});

// A question before a step, and no second sending of the same form.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.question && !window.confirm(form.dataset.question)) {
      event.preventDefault();
      return;
    }
    if (form.dataset.isSent) event.preventDefault();
    form.dataset.isSent = "1";
    window.setTimeout(() => delete form.dataset.isSent, 3000);
  });
}

const band = document.getElementById("offline");
const tell = () => {
  if (band) band.hidden = navigator.onLine;
};
window.addEventListener("online", tell);
window.addEventListener("offline", tell);
tell();

document.querySelector("[data-focus]")?.focus();
