// Verifies a signed slip in the browser: nothing typed here is sent, and no network is needed.
// Layout, alphabet and hash: docs/credentials.md, «The signed slip».
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 103;
const SIGNED = 39;
const KINDS = 4;
const OUTCOMES = ["negative", "positive", "inconclusive", "invalid", "rejected"];
const MARKS = /[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF\u00AD\0]/g;
const encoder = new TextEncoder();

// Five bits a symbol; null unless it is exactly what a signer writes.
const bytesOf = (text) => {
  const out = [];
  let held = 0;
  let bits = 0;
  for (const symbol of text.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1")) {
    const value = ALPHABET.indexOf(symbol);
    if (value < 0) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 && bits < 5 && out.length === LENGTH ? Uint8Array.from(out) : null;
};

const fold = (name) =>
  name.normalize("NFD").replace(MARKS, "").replace(/[đĐðÐƉɖ]/g, "d").toLowerCase()
    .replace(/[^\p{Alphabetic}\p{N}]+/gu, " ").trim();

// 2/9/1984 → 1984-09-02, 1984 → 1984; empty for what is no date.
const isoOf = (typed) => {
  const year = /^\s*(\d{4})\s*$/.exec(typed);
  if (year) return year[1];
  const parts = /^\s*(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})\s*$/.exec(typed);
  if (!parts) return "";
  const iso = `${parts[3]}-${parts[2].padStart(2, "0")}-${parts[1].padStart(2, "0")}`;
  const day = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(iso) ? iso : "";
};

const isSigned = async (bytes, key) => {
  const raw = Uint8Array.from(atob(key), (c) => c.charCodeAt(0));
  const imported = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const content = new Uint8Array([...encoder.encode("tram slip\0"), ...bytes.slice(0, SIGNED)]);
  return crypto.subtle.verify("Ed25519", imported, bytes.slice(SIGNED), content);
};

const isOf = async (bytes, name, born) => {
  const told = encoder.encode(`${fold(name)}\n${born}`);
  const content = new Uint8Array([...bytes.slice(19, 27), ...told]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return bytes.slice(27, SIGNED).every((byte, at) => byte === hash[at]);
};

// Which answer of the page to show.
const judge = async (form, keys) => {
  const bytes = bytesOf(form.slip.value.trim().split("/").pop());
  if (!bytes || bytes[0] !== 1) return { verdict: "form" };
  const [kind, outcome] = [bytes[3] >> 4, OUTCOMES[bytes[3] & 15]];
  if (kind >= KINDS || !outcome) return { verdict: "form" };
  const born = isoOf(form.born.value);
  if (!fold(form.full_name.value) || !born) return { verdict: "asked" };
  const view = new DataView(bytes.buffer);
  const key = keys[view.getUint16(1)];
  if (!key) return { verdict: "key" };
  if (!(await isSigned(bytes, key))) return { verdict: "signature" };
  if (!(await isOf(bytes, form.full_name.value, born))) return { verdict: "person" };
  const at = (offset) => new Date(view.getUint32(offset) * 60000);
  return { verdict: "good", outcome, sampled: at(4), released: at(8) };
};

const instant = (date) =>
  new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "short", timeStyle: "short", timeZone: "Asia/Ho_Chi_Minh",
  }).format(date);

const root = document.querySelector("[data-slip]");
const form = root.querySelector("form");
const show = ({ verdict, outcome, sampled, released }) => {
  for (const answer of root.querySelectorAll("[data-answer]")) {
    answer.hidden = answer.dataset.answer !== verdict;
  }
  if (verdict !== "good") return;
  for (const word of root.querySelectorAll("[data-outcome]")) {
    word.hidden = word.dataset.outcome !== outcome;
  }
  root.querySelector("[data-sampled]").textContent = instant(sampled);
  root.querySelector("[data-released]").textContent = instant(released);
};

form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const keys = JSON.parse(root.dataset.keys);
  // Browsers without Ed25519 (or without a secure address) refuse the key, not the slip.
  show(await judge(form, keys).catch(() => ({ verdict: "browser" })));
});
