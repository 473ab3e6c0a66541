// Asks for the page again every ten seconds and puts its new figures in place of the old.

const EVERY_MS = 10000;
const live = document.querySelector("[data-live]");

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (fresh) live.replaceChildren(...fresh.childNodes);
  } catch {
    // No network: the band of the page says so; the figures stay as they were.
  }
}

if (live) setInterval(refresh, EVERY_MS);
