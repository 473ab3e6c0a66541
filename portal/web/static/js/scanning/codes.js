// Codes made and checked on the device (docs/payloads.md): look-up and result codes over GF(32),
// tube codes with ISO/IEC 7064 MOD 11,10, UUIDv7.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS_A_CODE = 10;

/** The text in the code alphabet: upper case, O as 0, I and L as 1, no spaces or hyphens. */
export function fold(text) {
  return text.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
}

function remainder(symbols) {
  let sum = 0;
  for (const symbol of symbols) {
    const value = ALPHABET.indexOf(symbol);
    if (value < 0) return -1;
    sum = ((sum << 1) ^ (sum & 16 ? 0x25 : 0) ^ value) & 31;
  }
  return sum;
}

/** The check symbol of a body of code symbols. */
export function checkSymbol(body) {
  return ALPHABET[remainder(`${body}0`)];
}

/** The normal form of a code whose check symbol is right, else null. */
export function checkCode(text) {
  const code = fold(text);
  return code.length > 1 && remainder(code) === 0 ? code : null;
}

/** A fresh result code: ten random symbols and the check symbol. */
export function newCode() {
  const random = crypto.getRandomValues(new Uint8Array(LETTERS_A_CODE));
  const body = Array.from(random, (byte) => ALPHABET[byte & 31]).join("");
  return body + checkSymbol(body);
}

/** Whether the text is one of our tube codes: three letters, yymmdd, six digits, check digit. */
export function isOwnTube(text) {
  if (!/^[A-Z]{3}\d{13}$/.test(text)) return false;
  const digits = Array.from(text, (c) => (c >= "A" ? String(c.charCodeAt(0) - 55) : c)).join("");
  let p = 10;
  for (const digit of digits.slice(0, -1)) {
    const s = (p + Number(digit)) % 10 || 10;
    p = (2 * s) % 11;
  }
  return (11 - p) % 10 === Number(digits.at(-1));
}

/** A UUIDv7: milliseconds, then random bits. Never two the same, and in order of making. */
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let time = Date.now();
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
