// The station of rapid antigen tests: label, person, a clock for each test, a reading by one key,
// and a second person who confirms. The outbox carries everything, with or without network.

import { Camera } from "./camera.js";
import { newCode, uuid7 } from "./codes.js";
import { nameLater } from "./name_later.js";
import { Outbox } from "./outbox.js";
import { read } from "./payload.js";
import { RapidTests, step, times } from "./rapid_tests.js";
import { Reading } from "./reading.js";
import { show as showSlip } from "./slip.js";
import { play } from "./sounds.js";
import { TypedForm } from "./typed_form.js";

const page = document.querySelector("#station");
const facts = JSON.parse(document.querySelector("#station-facts").textContent);
const texts = facts.texts;
const part = (name) => page.querySelector(`[data-${name}]`);
const place = `tram-rapid-${facts.session_code}`;
const kept = JSON.parse(localStorage.getItem(place) || "{}");
const tests = new RapidTests(kept.tests);
const state = {
  label: null, // the label that waits for its person
  follow: null, // {test, kind}: the next label is for this person, "pcr" or "repeat"
  last: null,
  today: kept.day === facts.day ? kept.today : 0,
  labels: kept.day === facts.day ? kept.labels || [] : [],
};

// The newest tab of the station keeps the list; an older one that is still open must not.
const tab = uuid7();
localStorage.setItem("tram-rapid-tab", tab);

function keep() {
  if (localStorage.getItem("tram-rapid-tab") !== tab) return;
  const saved = { tests, today: state.today, labels: state.labels, day: facts.day };
  localStorage.setItem(place, JSON.stringify(saved));
}

function say(kind, sentence) {
  const line = part("message");
  line.className = `station-message is-${kind}`;
  line.textContent = sentence;
  play(kind);
}

function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

/** The lot of a test; of one begun on another device, the lot that is chosen here. */
function lotOf(test) {
  const [kit, lot] = test.kit;
  return kit ? { kit, lot } : facts.lots[Number(part("lot")?.value || 0)];
}

const nameOf = (test) => test.name || texts.name_follows;
const clockText = (ms) => {
  const seconds = Math.ceil(Math.abs(ms) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

function send(kind, data) {
  const event = { event_id: uuid7(), kind, occurred_at: new Date().toISOString(),
    actor_grant: facts.grant, data };
  if (data.sample_id) tests.note(event.event_id, data.sample_id, kind);
  outbox.add(event);
}

// -- painting

function row(test, now) {
  const line = document.createElement("li");
  const todo = step(test, facts.user);
  const { early } = times(test, now);
  const outcome = texts[test.outcome] || "";
  line.className = `rapid-row is-${todo}${todo === "read" && early <= 0 ? " is-due" : ""}`;
  line.dataset.sample = test.sampleId;
  const time = document.createElement("b");
  time.className = "rapid-time";
  time.textContent = todo === "read" ? (early > 0 ? clockText(early) : `+${clockText(early)}`) : "";
  const name = document.createElement("span");
  name.className = "rapid-name";
  name.textContent = [nameOf(test), test.year].filter(Boolean).join(" · ");
  const said = document.createElement("span");
  said.className = "rapid-said";
  said.textContent = todo === "read"
    ? early > 0 ? fill(texts.to_read, { time: localTime(now + early) }) : texts.read_late
    : todo === "wait" ? fill(texts.wait_second, { outcome })
      : todo === "confirm" ? fill(texts.to_confirm, { outcome }) : outcome;
  const code = document.createElement("small");
  code.textContent = test.tube;
  line.append(time, name, said, code);
  if (todo !== "wait" && !(todo === "read" && early > 0)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-default";
    button.textContent = texts[`act_${todo}`];
    button.addEventListener("click", () => open(test));
    line.append(button);
  }
  return line;
}

function localTime(ms) {
  return new Date(ms).toLocaleTimeString("vi-VN", {
    hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh",
  });
}

let painted = "";

function paint() {
  const now = Date.now();
  const open = tests.all();
  // Only the clocks change from second to second: buttons keep the focus.
  const look = JSON.stringify(open.map((test) => [test.sampleId, test.name, step(test, facts.user),
    times(test, now).early > 0]));
  if (look !== painted) {
    painted = look;
    part("tests").replaceChildren(...open.map((test) => row(test, now)));
  } else {
    for (const test of open) {
      const { early } = times(test, now);
      const line = part("tests").querySelector(`[data-sample="${test.sampleId}"] .rapid-time`);
      if (line?.textContent) line.textContent = early > 0 ? clockText(early) : `+${clockText(early)}`;
    }
  }
  part("none").hidden = open.length > 0;
  part("person").textContent = state.last ? nameOf(state.last) : "";
  part("person-facts").textContent = [state.last?.year, state.last?.place].filter(Boolean).join(" · ");
  part("today").textContent = String(state.today);
  part("next").textContent = state.label ? texts.scan_person : texts.scan_label;
  for (const test of open) {
    if (step(test, facts.user) === "read" && times(test, now).early <= 0 && !test.isCalled) {
      test.isCalled = true;
      if (!reading.isOpen) say("warning", fill(texts.due, { name: nameOf(test) }));
    }
  }
  keep();
}

// -- label, then person

function takeLabel(code) {
  const known = tests.find({ tube: code });
  if (known) {
    open(known);
    return;
  }
  if (state.labels.includes(code)) {
    say("refused", fill(texts.tube_used, { code }));
    return;
  }
  if (state.follow?.kind === "pcr") {
    takePcr(code);
    return;
  }
  if (!facts.lots.length) {
    say("refused", texts.no_lot);
    return;
  }
  state.label = code;
  if (state.follow) {
    const { test } = state.follow;
    state.follow = null;
    begin({ source: "typed", name: test.name, year: test.year, key: test.key },
      { person: { full_name: test.name }, retest_of: test.resultCode, ends: test });
    return;
  }
  say("ok", fill(texts.label_open, { code }));
  paint();
}

function collected(code, sessionCode, found, extra) {
  const sample = { sampleId: uuid7(), resultCode: newCode() };
  send("tube.opened", { tube_code: code, session_code: sessionCode, planned_size: 1 });
  const data = { sample_id: sample.sampleId, tube_code: code, position: 1,
    result_code: sample.resultCode, source: found.source,
    is_symptomatic: Boolean(extra.is_symptomatic), subject_group: part("group").value };
  if (extra.person) data.person = extra.person;
  else data.payload = found.text;
  if (extra.retest_of) data.retest_of = extra.retest_of;
  send("sample.collected", data);
  send("tube.sealed", { tube_code: code, sample_count: 1 });
  if (extra.ends) tests.ended.add(extra.ends.sampleId);
  state.labels = [...state.labels.slice(-1000), code];
  state.today += 1;
  showSlip(part("slip"), { code: sample.resultCode, name: found.name, publicUrl: facts.public_url });
  return sample;
}

function begin(found, extra = {}) {
  const code = state.label;
  if (!code) {
    say("refused", texts.label_first);
    return;
  }
  const lot = facts.lots[Number(part("lot").value)];
  const test = { ...collected(code, facts.session_code, found, extra), tube: code, key: found.key,
    name: found.name, year: found.year, place: found.place, startedAt: Date.now(),
    kit: [lot.kit, lot.lot], readAfter: lot.readAfter, readUntil: lot.readUntil,
    outcome: "", isReleased: false };
  tests.add(test);
  if (found.source === "hc1") {
    nameLater(facts, found.text, test, (said) => {
      paint();
      if (said.is_proved) say("ok", fill(texts.hc1_verified, { name: said.name }));
    });
  }
  state.label = null;
  state.last = test;
  if (found.warning) say("warning", texts[found.warning]);
  else say("ok", fill(texts.test_begun, { name: nameOf(test), minutes: lot.readAfter }));
  paint();
}

function takePcr(code) {
  const { test } = state.follow;
  state.follow = null;
  collected(code, facts.pcr_session_code, { source: "typed", name: test.name },
    { person: { full_name: test.name }, retest_of: test.resultCode, ends: test });
  state.last = test;
  say("ok", fill(texts.pcr_taken, { name: nameOf(test), code }));
  paint();
}

// -- reading and confirming

function open(test) {
  const todo = step(test, facts.user);
  const { early } = times(test, Date.now());
  if (todo === "wait") say("refused", texts.own_reading);
  else if (todo === "read" && !lotOf(test)) say("refused", texts.no_lot);
  else if (todo === "read" && early > 0) {
    say("refused", fill(texts.too_early, { time: clockText(early) }));
  } else if (todo === "read" || todo === "confirm") reading.show(test, todo);
  else if (!test.name) say("refused", texts.no_name);
  else if (todo === "pcr" && !facts.pcr_session_code) say("refused", texts.no_pcr_session);
  else {
    state.follow = { test, kind: todo };
    say("ok", fill(texts[`${todo}_label`], { name: nameOf(test) }));
    box.focus();
  }
}

function noted(test, outcome) {
  test.outcome = outcome;
  test.readBy = facts.user;
  test.isPending = true;
  const { kit, lot } = lotOf(test);
  send("antigen.read", { sample_id: test.sampleId, kit_name: kit, kit_lot: lot, outcome,
    read_at: new Date().toISOString() });
  say("ok", fill(texts.read_noted, { name: nameOf(test), outcome: texts[outcome] }));
  paint();
}

function confirmed(test, outcome) {
  test.outcome = outcome;
  test.isReleased = true;
  if (outcome === "negative") tests.ended.add(test.sampleId);
  send("antigen.released", { sample_id: test.sampleId, outcome });
  const sentence = outcome === "inconclusive" ? texts.differ : texts.released;
  say("ok", fill(sentence, { name: nameOf(test), outcome: texts[outcome] }));
  paint();
}

function undo() {
  const test = tests.all().filter((one) => one.key && !one.outcome).at(-1);
  if (!test) {
    say("warning", texts.nothing_unread);
    return;
  }
  send("sample.withdrawn", { sample_id: test.sampleId, reason: "scanned_by_mistake" });
  tests.byId.delete(test.sampleId);
  tests.ended.add(test.sampleId);
  state.today -= 1;
  part("slip").hidden = true;
  say("warning", fill(texts.undone_test, { name: nameOf(test) }));
  paint();
}

// -- scans

function take(text) {
  const found = { ...read(text), text };
  if (found.problem) say("refused", texts[found.problem] || texts.unknown);
  else if (found.kind === "tube") takeLabel(found.code);
  else if (found.kind === "maybe_tube" && facts.rolls.some((roll) => fits(found.code, roll))) {
    takeLabel(found.code);
  } else if (found.kind === "slip" || found.kind === "person") {
    const known = tests.find({ code: found.code || found.key, key: found.key });
    if (known && !state.label) open(known);
    else if (found.kind === "slip") say("refused", texts.slip_scanned);
    else if (found.typed) form.open(found.nationalId);
    else begin(found);
  } else say("refused", texts.tube_unknown);
}

function fits(code, [prefix, width, first, last]) {
  if (!code.startsWith(prefix) || code.length !== prefix.length + width) return false;
  const number = Number(code.slice(prefix.length));
  return number >= first && number <= last;
}

const box = part("box");
const reading = new Reading(page, { texts, fill, nameOf, onRead: noted, onConfirm: confirmed,
  onRefused: (sentence) => say("refused", sentence), onClose: () => box.focus() });
const form = new TypedForm(page, {
  onPerson: begin,
  onIncomplete: () => say("refused", texts.form_incomplete),
  onClose: () => box.focus(),
});

page.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  if (submitted.target === part("typed")) return;
  const text = box.value;
  box.value = "";
  if (text.trim()) take(text);
});
part("undo").addEventListener("click", undo);
part("print").addEventListener("click", () => print());
document.addEventListener("keydown", (pressed) => {
  if (reading.isOpen) return;
  const keys = { F2: () => form.open(), F4: () => print(), F9: undo };
  if (keys[pressed.key]) {
    pressed.preventDefault();
    keys[pressed.key]();
  } else if (!form.isOpen && pressed.target === document.body) box.focus();
});

const camera = new Camera({
  video: part("video"), decodeUrl: facts.decode_url, csrf: facts.csrf, onText: take,
  onProblem: (name) => say("warning", texts[name]),
});
part("camera").addEventListener("click", () => (camera.isOn ? camera.stop() : camera.start()));
part("photo").addEventListener("change", async (chosen) => {
  const [file] = chosen.target.files;
  const found = file ? await camera.ask(file) : [];
  if (!found.length) say("refused", texts.photo_unreadable);
  found.forEach(take);
  chosen.target.value = "";
});

const outbox = new Outbox({
  deviceId: facts.device_id,
  token: localStorage.getItem("tram-device-token"),
  url: "/ingest/v1",
  onChange: (current) => {
    part("waiting").textContent = String(current.waiting);
    const net = part("network");
    net.textContent = current.refusal ? fill(texts.refused_by_server, { status: current.refusal })
      : current.isOnline ? texts.online : texts.offline;
    net.className = current.refusal || !current.isOnline ? "is-warning" : "is-ok";
  },
  onOutcome: (outcome) => {
    const test = tests.settle(outcome);
    if (outcome.status === "applied") return;
    const line = document.createElement("li");
    line.textContent = [test && nameOf(test), outcome.code, outcome.detail].filter(Boolean).join(": ");
    part("refusals").append(line);
    part("refusals-box").hidden = false;
    play("warning");
    paint();
  },
});

async function poll() {
  try {
    const answer = await fetch(facts.tests_url, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      tests.merge((await answer.json()).tests, facts.user, lotOf({ kit: [] }));
      paint();
    }
  } catch {
    // No network: what this device knows goes on, and the outbox says so.
  }
  setTimeout(poll, document.hidden ? 15000 : 4000);
}

outbox.start().then(() => {
  paint();
  setInterval(paint, 1000);
  poll();
  page.dataset.ready = "yes";
  box.focus();
});
