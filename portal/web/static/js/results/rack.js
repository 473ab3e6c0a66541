// The rack: 96 wells by keyboard. What is entered is kept in this browser until it is recorded.

import { get, Offline, post } from "../web/http.js";

const page = document.getElementById("rack-page");
const texts = document.getElementById("texts").dataset;
const said = document.getElementById("said");
const scan = document.getElementById("scan");
const laboratory = Number(page.dataset.laboratory);
const KEPT = `tram.rack.${laboratory}`;
const OUTCOMES = { P: "positive", N: "negative", I: "inconclusive", V: "invalid" };
const LETTERS = { positive: "P", negative: "N", inconclusive: "I", invalid: "V" };

const grid = [...document.querySelectorAll(".well")];
const byWell = new Map(grid.map((cell) => [cell.dataset.well, cell]));
// Filled down the columns, as plates are pipetted: A1, B1, … H12.
const order = [...Array(96).keys()].map((n) => `${"ABCDEFGH"[n % 8]}${Math.floor(n / 8) + 1}`);
let wells = {};

const speak = (text, tone = "mute") => {
  said.textContent = text;
  said.className = `said said-${tone}`;
};

const keep = () => window.localStorage.setItem(KEPT, JSON.stringify(wells));

const tubes = () => order.filter((well) => wells[well]?.code);
const unset = () => tubes().filter((well) => !wells[well].outcome);

const line = (tag, text) => {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
};

const drawWell = (name) => {
  const cell = byWell.get(name);
  const well = wells[name];
  cell.replaceChildren();
  delete cell.dataset.outcome;
  cell.className = "well";
  cell.setAttribute("aria-label", name);
  if (!well) return;
  if (well.isControl) {
    cell.classList.add("is-control");
    cell.append(texts.control);
    return;
  }
  if (well.outcome) cell.dataset.outcome = well.outcome;
  if (well.isOdd) cell.classList.add("is-odd");
  cell.append(line("code", well.code));
  if (well.ct) cell.append(line("i", `Ct ${well.ct.replace(".", ",")}`));
  else if (well.samples) cell.append(line("i", `${well.samples} ${texts.samples}`));
  if (well.outcome) cell.append(line("b", LETTERS[well.outcome]));
  cell.setAttribute("aria-label", `${name} ${well.code} ${well.outcome ?? ""} ${well.ct ?? ""}`);
};

const count = (test) => tubes().filter((well) => test(wells[well].outcome)).length;

const drawFigures = () => {
  const show = (id, value) => (document.getElementById(id).textContent = value);
  show("count-tubes", tubes().length);
  show("count-positive", count((outcome) => outcome === "positive"));
  show("count-negative", count((outcome) => outcome === "negative"));
  show("count-other", count((outcome) => outcome === "inconclusive" || outcome === "invalid"));
  show("count-unset", unset().length);
};

const draw = () => {
  order.forEach(drawWell);
  drawFigures();
  keep();
};

const changeWell = (name, change) => {
  wells[name] = { ...wells[name], ...change };
  drawWell(name);
  drawFigures();
  keep();
};

const place = (found) => {
  const free = order.find((well) => !wells[well]);
  if (!free) return speak(texts.full, "bad");
  const same = tubes().find((well) => wells[well].code === found.code);
  if (same) return speak(`${texts.twice} ${same}`, "warn");
  changeWell(free, { code: found.code, samples: found.samples ?? 0, isOdd: !found.is_here });
  if (!found.is_here) speak(`${found.code} ${texts.unknown}`, "bad");
  else if (found.status !== "received") speak(`${found.code} ${texts.tested}`, "warn");
  else speak(`${found.code} ${texts.placed} ${free}`, "ok");
  return undefined;
};

const said_error = (error) => {
  const text = error instanceof Offline ? texts.offline : error.message;
  speak([text, ...(error.details ?? [])].join(" "), "bad");
};

document.getElementById("scan-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = scan.value.replace(/\s+/g, "").toUpperCase();
  scan.value = "";
  if (!code) return;
  try {
    const answer = await post(page.dataset.tubesUrl, { laboratory_id: laboratory, codes: [code] });
    answer.tubes.forEach(place);
  } catch (error) {
    said_error(error);
  }
});

document.getElementById("fill").addEventListener("click", async () => {
  try {
    const answer = await get(page.dataset.waitingUrl);
    const known = new Set(tubes().map((well) => wells[well].code));
    // The last two wells stay free for the controls.
    if (!wells.G12) changeWell("G12", { isControl: true });
    if (!wells.H12) changeWell("H12", { isControl: true });
    const fresh = answer.tubes.filter((tube) => !known.has(tube.code));
    if (!fresh.length) speak(texts.none, "warn");
    for (const tube of fresh) if (order.some((well) => !wells[well])) place(tube);
  } catch (error) {
    said_error(error);
  }
});

document.getElementById("clear").addEventListener("click", () => {
  if (tubes().length && !window.confirm(texts.empty)) return;
  wells = {};
  draw();
  scan.focus();
});

const move = (cell, rows, columns) => {
  const at = grid.indexOf(cell);
  const row = Math.floor(at / 12) + rows;
  const column = (at % 12) + columns;
  if (row < 0 || row > 7 || column < 0 || column > 11) return;
  focusWell(grid[row * 12 + column]);
};

// Down the column, then to the top of the next one.
const next = (cell) => {
  const isLast = cell.dataset.well.startsWith("H");
  return move(cell, isLast ? -7 : 1, isLast ? 1 : 0);
};

const focusWell = (cell) => {
  for (const other of grid) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
};

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

document.getElementById("rack").addEventListener("keydown", (event) => {
  const cell = event.target.closest(".well");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = cell.dataset.well;
  const well = wells[name];
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  if (ARROWS[key]) {
    event.preventDefault();
    return move(cell, ...ARROWS[key]);
  }
  if (key === "Enter") {
    event.preventDefault();
    return next(cell);
  }
  if (key === "C" && !well?.code) return changeWell(name, { isControl: !well?.isControl });
  if (key === "Delete" || key === "Backspace") {
    event.preventDefault();
    if (well?.ct) changeWell(name, { ct: key === "Delete" ? "" : well.ct.slice(0, -1) });
    else if (well?.outcome) changeWell(name, { outcome: null });
    else {
      delete wells[name];
      draw();
    }
    return undefined;
  }
  if (!well?.code) return undefined;
  if (OUTCOMES[key]) {
    changeWell(name, { outcome: OUTCOMES[key] });
    // A Ct belongs to these: typed now, it must not land in the next well.
    if (key === "P" || key === "I") return undefined;
    return next(cell);
  }
  if (/^[0-9.,]$/.test(key)) {
    const ct = `${well.ct ?? ""}${key === "," ? "." : key}`;
    if (/^\d{1,2}(\.\d{0,2})?$/.test(ct)) changeWell(name, { ct });
  }
  return undefined;
});

document.getElementById("rack").addEventListener("click", (event) => {
  const cell = event.target.closest(".well");
  if (cell) focusWell(cell);
});

document.getElementById("rest-negative").addEventListener("click", () => {
  const rest = document.getElementById("rest");
  const open = unset();
  if (Number(rest.value) !== open.length || !open.length) {
    speak(`${texts.wrongCount} ${open.length}`, "warn");
    return rest.focus();
  }
  for (const well of open) wells[well].outcome = "negative";
  rest.value = "";
  draw();
  return speak(`${open.length} ${texts.rest}`, "ok");
});
document.getElementById("rest").addEventListener("keydown", (event) => {
  if (event.key === "Enter") document.getElementById("rest-negative").click();
});

const value = (id) => document.getElementById(id).value;

document.getElementById("record").addEventListener("click", async (event) => {
  const problems = document.getElementById("problems");
  problems.hidden = true;
  const open = unset();
  if (open.length) {
    speak(`${texts.unset} ${open.slice(0, 12).join(", ")}`, "warn");
    return focusWell(byWell.get(open[0]));
  }
  const button = event.currentTarget;
  button.disabled = true;
  try {
    const answer = await post(page.dataset.recordUrl, {
      laboratory_id: laboratory,
      wells: tubes().map((well) => ({
        well,
        code: wells[well].code,
        outcome: wells[well].outcome,
        ct: wells[well].ct ? Number(wells[well].ct) : null,
      })),
      positive_control: value("positive_control"),
      negative_control: value("negative_control"),
      kit_name: value("kit_name"),
      kit_lot: value("kit_lot"),
      instrument: value("instrument"),
    });
    window.localStorage.removeItem(KEPT);
    window.location.assign(answer.url);
  } catch (error) {
    said_error(error);
    if (error.details?.length) {
      problems.replaceChildren(...error.details.map((text) => line("p", text)));
      problems.hidden = false;
    }
    button.disabled = false;
  }
  return undefined;
});

try {
  wells = JSON.parse(window.localStorage.getItem(KEPT) ?? "{}");
} catch {
  wells = {};
}
draw();
grid[0].tabIndex = 0;
