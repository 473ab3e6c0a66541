// The start page: fills in this browser's device, and enrols it when a site manager asks.

const uid = localStorage.getItem("tram-device-uid");
const line = document.querySelector("#device-state");
const csrf = document.querySelector('meta[name="csrf-token"]').content;

line.textContent = uid ? line.dataset.known : line.dataset.unknown;
for (const field of document.querySelectorAll('input[name="device_uid"]')) field.value = uid || "";

for (const button of document.querySelectorAll("[data-enrol]")) {
  // A device that the server just refused may have to be enrolled anew.
  button.hidden = Boolean(uid) && line.dataset.refused !== "yes";
  button.addEventListener("click", () => enrol(button));
}

async function enrol(button) {
  button.disabled = true;
  const name = `${navigator.platform || "PC"} ${Date.now().toString(36).slice(-5)}`;
  try {
    const answer = await fetch(button.dataset.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf },
      body: JSON.stringify({ site_id: Number(button.dataset.enrol), name }),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.message || line.dataset.failed);
    localStorage.setItem("tram-device-uid", said.device_uid);
    localStorage.setItem("tram-device-token", said.token);
    location.assign(location.pathname.replace(/station$/, ""));
  } catch (problem) {
    // What the browser itself says of a lost network is in its own language.
    line.textContent = problem instanceof TypeError ? line.dataset.failed : problem.message;
    button.disabled = false;
  }
}
