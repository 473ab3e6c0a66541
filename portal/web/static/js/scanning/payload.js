// What a scanned text is, well enough to show it at once. The server reads it again, with all
// its tables, and its word counts.

import { checkCode, isOwnTube } from "./codes.js";

const FOREIGN_TUBE = /^(?=.*\d)[A-Z0-9-]{6,24}$/;
const OUR_PATH = /^https?:\/\/[^/]+\/([tkvrc])\/([A-Za-z0-9-]+)\/?$/i;

/**
 * Reads a scan.
 * @returns {{kind: string, source?: string, code?: string, name?: string, year?: string,
 *   place?: string, key?: string, problem?: string, warning?: string}} `kind` is tube,
 *   maybe_tube, person, declaration, command or unknown; `key` tells one person from another
 *   within a tube; `problem` and `warning` name a sentence of the page.
 */
export function read(raw) {
  const text = raw.replace(/[\uFEFF\0\r\n]/g, "").trim().normalize("NFC");
  if (!text) return { kind: "unknown", problem: "empty" };
  if (/^HC1:/i.test(text)) {
    return { kind: "person", source: "hc1", key: text, name: "", warning: "hc1_unverified" };
  }
  const address = OUR_PATH.exec(text);
  if (address) return fromAddress(address[1].toLowerCase(), address[2]);
  if (/^https?:/i.test(text)) return { kind: "unknown", problem: "foreign_address" };
  if (text.includes("|")) return fromFields(text.split("|"));
  const upper = text.toUpperCase();
  if (isOwnTube(upper)) return { kind: "tube", code: upper };
  if (/^(\d{12}|\d{9})$/.test(text)) {
    return { kind: "person", source: "typed", typed: true, key: text, nationalId: text, name: "" };
  }
  if (text.length === 11 && checkCode(text)) {
    return { kind: "person", source: "declaration", key: checkCode(text), name: "" };
  }
  if (FOREIGN_TUBE.test(upper)) return { kind: "maybe_tube", code: upper };
  // A keyboard driver that turns letters into Vietnamese ones also eats the bars between fields.
  if (/^\d{12}.*[^\x20-\x7e]/.test(text)) return { kind: "unknown", problem: "keyboard_driver" };
  return { kind: "unknown", problem: "unknown" };
}

function fromAddress(letter, code) {
  const upper = code.toUpperCase();
  if (letter === "t") return { kind: "tube", code: upper };
  if (letter === "k") return { kind: "person", source: "declaration", key: upper, name: "" };
  if (letter === "r") return { kind: "slip", code: upper };
  return { kind: "unknown", problem: "other_code" };
}

function fromFields(fields) {
  const [first, second, third] = fields;
  if (fields.length === 6 && /^[01]$/.test(fields[3]) && /^[\d*]{4}-[\d*]{2}-[\d*]{2}$/.test(third)) {
    const key = fields[4] || first + third;
    return { kind: "person", source: "personal_qr", key, name: second, year: third.slice(0, 4) };
  }
  if (/^\d{12}$/.test(first) && fields.length >= 6) return fromCard(fields);
  if (/^(\d{10}|[A-Z]{2}\d{13})$/i.test(first) && fields.at(-1).trim() === "$") {
    const year = third.slice(-4);
    return { kind: "person", source: "bhyt", key: first, name: fromHex(second), year };
  }
  return { kind: "unknown", problem: "unknown" };
}

function fromCard(fields) {
  const [id, , name, born, sex, address] = fields;
  const card = { kind: "person", source: "cccd", key: id, name, year: born.slice(-4), place: address };
  if (!/^\d{8}$/.test(born)) return { kind: "unknown", problem: "keyboard_driver" };
  const isSpoiled = /[?\uFFFD]/.test(name) || /[A-Za-z](?:aa|ee|oo|dd|ow|uw|w)[sfrxjz]?\b|[Ã¡º»­]{2}/.test(name);
  if (!["Nam", "Nữ"].includes(sex) || isSpoiled) card.warning = "keyboard_driver";
  return card;
}

function fromHex(hex) {
  if (!/^([0-9a-f]{2})+$/i.test(hex)) return hex;
  const bytes = Uint8Array.from(hex.match(/../g), (pair) => Number.parseInt(pair, 16));
  return new TextDecoder().decode(bytes);
}
