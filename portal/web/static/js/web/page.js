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
    if (form.dataset.question && !form.dataset.isChecked && !window.confirm(form.dataset.question)) {
      event.preventDefault();
      return;
    }
    if (form.dataset.isSent) event.preventDefault();
    form.dataset.isSent = "1";
    window.setTimeout(() => delete form.dataset.isSent, 3000);
  });
}

// A form is sent only by somebody who is signed in and has a network: what was typed is not lost.
const notice = document.getElementById("not-sent");
for (const form of notice ? document.querySelectorAll("form.record-form[method=post]") : []) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || form.dataset.isChecked) return;
    event.preventDefault();
    sendChecked(form, event.submitter);
  });
}

async function sendChecked(form, button) {
  let why = "";
  try {
    const answer = await fetch(notice.dataset.session, { headers: { Accept: "application/json" } });
    const state = await answer.json();
    if (state.is_signed_in) form.elements.csrf_token.value = state.csrf;
    else why = "signed-out";
  } catch {
    why = "no-network";
  }
  form.querySelector("[data-not-sent]")?.remove();
  delete form.dataset.isSent;
  if (!why) {
    form.dataset.isChecked = "1";
    form.requestSubmit(button);
    return;
  }
  const said = notice.content.firstElementChild.cloneNode(true);
  said.dataset.notSent = "";
  for (const reason of said.querySelectorAll("[data-why]")) reason.hidden = reason.dataset.why !== why;
  form.append(said);
  said.focus();
}

// The back button brings the page as it was left: it may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) {
    delete form.dataset.isChecked;
    delete form.dataset.isSent;
  }
});

const band = document.getElementById("offline");
const tell = () => {
  if (band) band.hidden = navigator.onLine;
};
window.addEventListener("online", tell);
window.addEventListener("offline", tell);
tell();

document.querySelector("[data-focus]")?.focus();
