// The laboratory door: every scan is sent at once, in order, and kept until the server has it.

import { get, Offline, post } from "../web/http.js";

const page = document.getElementById("receipt");
const texts = document.getElementById("texts").dataset;
const scan = document.getElementById("scan");
const said = document.getElementById("said");
const rows = document.getElementById("rows");
const dialog = document.getElementById("reject");
const laboratory = Number(page.dataset.laboratory);
const show = (id, value) => (document.getElementById(id).textContent = value);

const queue = [];
const scanned = new Set();
const odd = new Set();
let last = "";
let isSending = false;
let box = null;

const speak = (text, tone) => {
  said.textContent = text;
  said.className = `said said-${tone}`;
};

const cell = (label, value, isNumber) => {
  const made = document.createElement("td");
  made.dataset.label = label;
  if (isNumber) made.className = "number";
  made.append(value);
  return made;
};

const chip = (label, tone) => {
  const made = document.createElement("span");
  made.className = `chip chip-${tone}`;
  made.textContent = label;
  return made;
};

const heads = [...page.querySelectorAll("thead th")].map((head) => head.textContent);

const draw = (tube) => {
  const labels = {
    received: [texts.received, "ok"],
    already: [texts.already, "mute"],
    unknown: [texts.unknown, "bad"],
    refused: [`${texts.refused} ${tube.said ?? ""}`, "bad"],
    rejected: [`${texts.rejected} ${tube.said ?? ""}`, "bad"],
  };
  let [label, tone] = labels[tube.outcome];
  if (tube.is_miscounted) [label, tone] = [texts.miscounted, "warn"];
  const row = document.createElement("tr");
  row.dataset.code = tube.code;
  const code = document.createElement("b");
  code.textContent = tube.code;
  row.append(
    cell(heads[0], code),
    cell(heads[1], tube.accession_number ?? "—"),
    cell(heads[2], tube.site ?? "—"),
    cell(heads[3], tube.registered ?? "—", true),
    cell(heads[4], tube.counted ?? "—", true),
    cell(heads[5], chip(label, tone)),
  );
  rows.querySelector(`[data-code="${CSS.escape(tube.code)}"]`)?.remove();
  rows.prepend(row);
  while (rows.rows.length > 200) rows.lastElementChild.remove();
  document.getElementById("nothing")?.remove();
  if (tone === "ok" || tone === "mute") odd.delete(tube.code);
  else odd.add(tube.code);
  const registered = tube.registered === undefined ? "" : ` · ${tube.registered} ${texts.samples}`;
  speak(`${tube.code}: ${label}${registered}`, tone);
};

const drawFigures = () => {
  show("count-scanned", scanned.size);
  show("count-odd", odd.size);
  show("count-pending", queue.length);
  if (!box) return;
  const codes = box.tubes.map((tube) => tube.code);
  const missing = box.tubes.filter((tube) => !tube.is_received && !scanned.has(tube.code));
  show("box-declared", codes.length);
  show("box-scanned", codes.length - missing.length);
  show("box-missing", missing.length);
  show("box-extra", [...scanned].filter((code) => !codes.includes(code)).length);
  show("box-missing-codes", missing.slice(0, 30).map((tube) => tube.code).join(" · "));
};

const pump = async () => {
  if (isSending) return;
  isSending = true;
  while (queue.length) {
    const batch = queue.slice(0, 50);
    const tubes = [...new Map(batch.map((entry) => [entry.code, entry])).values()];
    try {
      const answer = await post(page.dataset.url, { laboratory_id: laboratory, tubes });
      const known = Number(document.getElementById("count-received").textContent.replace(/\D/g, ""));
      const fresh = answer.tubes.filter((tube) => tube.outcome === "received").length;
      const recounts = tubes.filter((tube) => tube.counted !== undefined).length;
      show("count-received", (known + Math.max(fresh - recounts, 0)).toLocaleString("vi-VN"));
      answer.tubes.forEach(draw);
    } catch (error) {
      if (error instanceof Offline) {
        speak(texts.offline, "warn");
        window.setTimeout(pump, 3000);
        break;
      }
      speak([error.message, ...(error.details ?? [])].join(" "), "bad");
    }
    queue.splice(0, batch.length);
  }
  isSending = false;
  drawFigures();
};

const openBox = async (code) => {
  try {
    box = await get(page.dataset.boxUrl.replace("CODE", encodeURIComponent(code)));
  } catch (error) {
    speak(error.message || texts.offline, "bad");
    return;
  }
  scanned.clear();
  document.getElementById("box").hidden = false;
  show("box-code", box.code);
  document.getElementById("box-close").disabled = box.is_closed;
  document.getElementById("box-paper").href = page.dataset.paperUrl.replace("CODE", box.code);
  speak(texts.opened, "ok");
  drawFigures();
};

const take = (text) => {
  const code = text.replace(/\s+/g, "").toUpperCase();
  if (!code) return;
  if (/^\d{1,2}$/.test(code)) {
    if (!last) return speak(texts.countFirst, "warn");
    queue.push({ code: last, counted: Number(code) });
  } else if (code === "R") {
    if (!last) return speak(texts.countFirst, "warn");
    return askReason();
  } else if (/^H\d{6}[0-9A-Z]{6}$/.test(code)) {
    openBox(code);
    return undefined;
  } else {
    last = code;
    scanned.add(code);
    queue.push({ code });
  }
  drawFigures();
  pump();
  return undefined;
};

const askReason = () => {
  show("reject-code", last);
  dialog.showModal();
};

const reject = async (reason) => {
  dialog.close();
  try {
    const answer = await post(page.dataset.rejectUrl, {
      laboratory_id: laboratory,
      code: last,
      reason,
    });
    draw({ code: last, outcome: "rejected", said: answer.reason });
  } catch (error) {
    speak([error.message || texts.offline, ...(error.details ?? [])].join(" "), "bad");
  }
  drawFigures();
};

document.getElementById("scan-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = scan.value;
  scan.value = "";
  take(text);
});

const reasons = [...dialog.querySelectorAll("[data-reason]")];
dialog.addEventListener("keydown", (event) => {
  const button = reasons[Number(event.key) - 1];
  if (button) reject(button.dataset.reason);
});
for (const button of reasons) {
  button.addEventListener("click", () => reject(button.dataset.reason));
}
dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => scan.focus());

for (const button of document.querySelectorAll("[data-box]")) {
  button.addEventListener("click", () => openBox(button.dataset.box));
}

document.getElementById("box-close").addEventListener("click", async () => {
  try {
    await post(page.dataset.closeUrl.replace("CODE", box.code), {
      temperature: document.getElementById("box-temperature").value.replace(",", "."),
    });
    document.getElementById("box-close").disabled = true;
    speak(texts.closed, "ok");
  } catch (error) {
    speak(error.message || texts.offline, "bad");
  }
});
