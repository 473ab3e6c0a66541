// Sends the chosen files one after the other, and shows each photo's outcome as it comes.
const form = document.querySelector("[data-readings]");
const bar = form.querySelector("progress");
const count = form.querySelector("[data-count]");
const list = form.querySelector("[data-outcomes]");
const button = form.querySelector("button");
const token = document.querySelector("meta[name=csrf-token]")?.content ?? "";

const say = (text, isBad) => {
  const item = document.createElement("li");
  item.textContent = text;
  if (isBad) item.className = "text-danger";
  list.prepend(item);
  return isBad;
};

const show = (done, total) => {
  bar.max = total;
  bar.value = done;
  count.textContent = `${form.dataset.done} ${done} / ${total}`;
};

// Calls `each` for every line of JSON of a body, as soon as the line is there.
const readLines = async (body, each) => {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    lines.filter(Boolean).forEach((line) => each(JSON.parse(line)));
    if (done) return;
  }
};

const send = async (file, before) => {
  const response = await fetch(form.dataset.readings, {
    method: "POST",
    credentials: "same-origin",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/octet-stream",
      "X-CSRFToken": token,
      "X-File-Name": encodeURIComponent(file.name),
    },
    body: file,
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    say(`${file.name}: ${problem.message ?? form.dataset.failed}`, true);
    return { total: 1, hasProblem: true };
  }
  let total = 1;
  await readLines(response.body, (line) => {
    total = line.total;
    show(before.done + line.done, before.total + total - 1);
    for (const code of line.codes) say(`${line.file}: ${code.text}`, code.outcome !== "known");
  });
  return { total, hasProblem: false };
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const files = [...form.querySelector("input").files];
  button.disabled = true;
  list.replaceChildren();
  form.querySelector("[data-progress]").hidden = false;
  const before = { done: 0, total: files.length };
  let hasProblem = false;
  show(0, files.length);
  for (const file of files) {
    const sent = await send(file, before).catch(() => {
      say(`${file.name}: ${form.dataset.failed}`, true);
      return { total: 1, hasProblem: true };
    });
    hasProblem ||= sent.hasProblem;
    // A ZIP file was counted as one; now its photos are.
    before.done += sent.total;
    before.total += sent.total - 1;
    show(before.done, before.total);
  }
  button.disabled = false;
  // What was refused stands nowhere but here, so the page stays until it was seen.
  if (!hasProblem) window.location.reload();
});
