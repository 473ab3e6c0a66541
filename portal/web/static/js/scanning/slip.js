// The slip in the citizen's hand: the result code as text and as QR, printed from the page.

import qrcode from "../../vendor/qrcode.mjs";

/** Draws a QR code of `text` into a canvas, four pixels a module. */
export function draw(canvas, text) {
  const symbol = qrcode(0, "M");
  symbol.addData(text);
  symbol.make();
  const count = symbol.getModuleCount();
  const scale = 4;
  const quiet = 4;
  canvas.width = canvas.height = (count + 2 * quiet) * scale;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#000";
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (symbol.isDark(row, column)) {
        pen.fillRect((column + quiet) * scale, (row + quiet) * scale, scale, scale);
      }
    }
  }
}

/** Fills the slip of the page for one sample and shows it. */
export function show(slip, { code, name, publicUrl }) {
  slip.querySelector("[data-slip-name]").textContent = name;
  slip.querySelector("[data-slip-code]").textContent = code.replace(/^(.{4})(.{4})(.{3})$/, "$1 $2 $3");
  draw(slip.querySelector("canvas"), `${publicUrl}/r/${code}`);
  slip.hidden = false;
}
