// Progress of running jobs; the page is loaded anew when one ends.
import { get } from "./http.js";

const WAIT_MS = 1000;

const watch = async (entry) => {
  const bar = entry.querySelector("progress");
  for (;;) {
    await new Promise((resolve) => window.setTimeout(resolve, WAIT_MS));
    const state = await get(entry.dataset.job).catch(() => null);
    if (!state) continue;
    bar.max = state.total || 1;
    bar.value = state.done;
    if (state.status !== "queued" && state.status !== "running") {
      window.location.reload();
      return;
    }
  }
};

for (const entry of document.querySelectorAll("[data-job]")) watch(entry);
