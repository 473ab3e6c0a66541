// The sampling station: one box that always listens, a tube, its people, and an outbox behind.

import { Camera } from "./camera.js";
import { newCode, uuid7 } from "./codes.js";
import { nameLater } from "./name_later.js";
import { Outbox } from "./outbox.js";
import { read } from "./payload.js";
import { show as showSlip } from "./slip.js";
import { play } from "./sounds.js";
import { TypedForm } from "./typed_form.js";

const page = document.querySelector("#station");
const facts = JSON.parse(document.querySelector("#station-facts").textContent);
const texts = facts.texts;
const part = (name) => page.querySelector(`[data-${name}]`);
const kept = JSON.parse(localStorage.getItem(`tram-station-${facts.session_code}`) || "{}");
const state = {
  tube: kept.tube || null, // {code, size, people: [{sampleId, code, name, key}]}
  today: kept.day === facts.day ? kept.today : 0,
  tubesDone: kept.day === facts.day ? kept.tubesDone || [] : [],
};

function keep() {
  const saved = { ...state, day: facts.day };
  localStorage.setItem(`tram-station-${facts.session_code}`, JSON.stringify(saved));
}

function say(kind, sentence, sound = kind) {
  const line = part("message");
  line.className = `station-message is-${kind}`;
  line.textContent = sentence;
  play(sound);
}

function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

function event(kind, data) {
  return {
    event_id: uuid7(),
    kind,
    occurred_at: new Date().toISOString(),
    actor_grant: facts.grant,
    data,
  };
}

function paint() {
  const tube = state.tube;
  part("tube").textContent = tube ? tube.code : texts.no_tube;
  part("count").textContent = tube ? `${tube.people.length}/${tube.size}` : "–";
  const last = tube?.people.at(-1) || state.last;
  part("person").textContent = last ? last.name || texts.name_follows : "";
  part("person-facts").textContent = last ? [last.year, last.place].filter(Boolean).join(" · ") : "";
  part("today").textContent = String(state.today);
  const list = part("people");
  list.replaceChildren(
    ...(tube?.people || []).map((person, place) => {
      const row = document.createElement("li");
      row.textContent = `${place + 1}. ${person.name || texts.name_follows}`;
      return row;
    }),
  );
  part("next").textContent = !tube ? texts.scan_tube : tube.people.length >= tube.size
    ? texts.scan_next_tube : texts.scan_person;
  part("undo").disabled = !tube?.people.length;
  keep();
}

function openTube(code) {
  if (state.tube && state.tube.code === code) {
    say("warning", fill(texts.same_tube, { code }));
    return;
  }
  if (state.tubesDone.includes(code)) {
    say("refused", fill(texts.tube_used, { code }));
    return;
  }
  sealTube();
  state.tube = { code, size: facts.pool_size, people: [] };
  outbox.add(event("tube.opened", {
    tube_code: code, session_code: facts.session_code, planned_size: facts.pool_size,
  }));
  say("ok", fill(texts.tube_open, { code }));
  paint();
}

function sealTube() {
  const tube = state.tube;
  if (!tube) return;
  if (tube.people.length) {
    outbox.add(event("tube.sealed", { tube_code: tube.code, sample_count: tube.people.length }));
  } else {
    outbox.add(event("tube.discarded", { tube_code: tube.code, reason: "empty" }));
  }
  state.tubesDone = [...state.tubesDone.slice(-500), tube.code];
  state.tube = null;
  paint();
}

function addPerson(found, extra = {}) {
  const tube = state.tube;
  if (!tube) {
    say("refused", texts.tube_first);
    return;
  }
  if (tube.people.some((person) => person.key === found.key)) {
    say("refused", fill(texts.already_in_tube, { name: found.name || found.key.slice(-4) }));
    return;
  }
  if (tube.people.length >= facts.max_size) {
    say("refused", fill(texts.tube_full, { count: facts.max_size }));
    return;
  }
  if (extra.is_symptomatic && (tube.people.length > 0 || tube.size > 1)) {
    say("refused", texts.symptomatic_alone);
    return;
  }
  const person = { sampleId: uuid7(), code: newCode(), name: found.name, key: found.key,
    year: found.year, place: found.place };
  tube.people.push(person);
  if (extra.is_symptomatic) tube.size = 1;
  state.today += 1;
  const data = { sample_id: person.sampleId, tube_code: tube.code, position: tube.people.length,
    result_code: person.code, source: found.source, is_symptomatic: Boolean(extra.is_symptomatic),
    subject_group: part("group").value };
  if (extra.person) data.person = extra.person;
  else data.payload = found.text;
  if (facts.retest_of) data.retest_of = facts.retest_of;
  outbox.add(event("sample.collected", data));
  if (found.source === "hc1") {
    nameLater(facts, found.text, person, (said) => {
      paint();
      if (said.is_proved) say("ok", fill(texts.hc1_verified, { name: said.name }));
    });
  }
  showSlip(part("slip"), { code: person.code, name: person.name, publicUrl: facts.public_url });
  if (found.warning) say("warning", texts[found.warning]);
  else if (tube.people.length > tube.size) say("warning", fill(texts.over_size, { size: tube.size }));
  else say("ok", fill(texts.person_added, { name: person.name || texts.name_follows }));
  paint();
}

function undo() {
  const person = state.tube?.people.pop();
  if (!person) {
    say("warning", texts.nothing_to_undo);
    return;
  }
  state.today -= 1;
  outbox.add(event("sample.withdrawn", { sample_id: person.sampleId, reason: "scanned_by_mistake" }));
  part("slip").hidden = true;
  say("warning", fill(texts.undone, { name: person.name || "" }));
  paint();
}

function take(text) {
  const found = { ...read(text), text };
  if (found.problem) say("refused", texts[found.problem] || texts.unknown);
  else if (found.kind === "slip") say("refused", texts.slip_scanned);
  else if (found.kind === "person" && found.typed) form.open(found.nationalId);
  else if (found.kind === "person" && !state.tube) say("refused", texts.person_in_tube_box);
  else if (found.kind === "person") addPerson(found);
  else if (found.kind === "tube") openTube(found.code);
  else if (found.kind === "maybe_tube" && facts.rolls.some((roll) => fits(found.code, roll))) {
    openTube(found.code);
  } else say("refused", texts.tube_unknown);
}

function fits(code, [prefix, width, first, last]) {
  if (!code.startsWith(prefix) || code.length !== prefix.length + width) return false;
  const number = Number(code.slice(prefix.length));
  return number >= first && number <= last;
}

const box = part("box");

page.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  if (submitted.target === part("typed")) return;
  const text = box.value;
  box.value = "";
  if (text.trim()) take(text);
});

const form = new TypedForm(page, {
  onPerson: addPerson,
  onIncomplete: () => say("refused", texts.form_incomplete),
  onClose: () => box.focus(),
});

part("undo").addEventListener("click", undo);
part("seal").addEventListener("click", () => { sealTube(); say("ok", texts.tube_sealed); });
part("print").addEventListener("click", () => print());

document.addEventListener("keydown", (pressed) => {
  const keys = { F2: () => form.open(), F4: () => print(), F9: undo };
  if (keys[pressed.key]) {
    pressed.preventDefault();
    keys[pressed.key]();
  } else if (!form.isOpen && pressed.target === document.body) {
    box.focus(); // A scan that starts while nothing has the focus still lands in the box.
  }
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
  token: facts.token || localStorage.getItem("tram-device-token"),
  url: "/ingest/v1",
  onChange: (current) => {
    part("waiting").textContent = String(current.waiting);
    const net = part("network");
    net.textContent = current.refusal ? fill(texts.refused_by_server, { status: current.refusal })
      : current.isOnline ? texts.online : texts.offline;
    net.className = current.refusal || !current.isOnline ? "is-warning" : "is-ok";
  },
  onOutcome: (outcome) => {
    if (outcome.status === "applied") return;
    const row = document.createElement("li");
    row.textContent = `${outcome.code}: ${outcome.detail || ""}`;
    part("refusals").append(row);
    part("refusals-box").hidden = false;
    play("warning");
  },
});

outbox.start().then(() => {
  paint();
  page.dataset.ready = "yes";
  box.focus();
});
