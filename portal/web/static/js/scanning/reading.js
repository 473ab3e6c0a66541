// The dialog in which a rapid test is read, or confirmed by a second person: one key each.

import { times } from "./rapid_tests.js";

const KEYS = { n: "negative", p: "positive", v: "invalid", k: "inconclusive" };
// A scanner's keys follow within a hundredth of a second, a finger's do not.
const ALONE_MS = 150;

export class Reading {
  constructor(page, told) {
    this.told = told;
    this.part = (name) => page.querySelector(`[data-${name}]`);
    this.dialog = this.part("reading");
    this.typed = "";
    this.dialog.addEventListener("keydown", (pressed) => this.key(pressed));
    this.dialog.addEventListener("close", () => told.onClose());
    this.part("close-reading").addEventListener("click", () => this.dialog.close());
    for (const button of this.dialog.querySelectorAll("[data-outcome]")) {
      button.addEventListener("click", () => this.choose(button.dataset.outcome));
    }
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** @param {"read"|"confirm"} todo */
  show(test, todo) {
    const { texts, fill, nameOf } = this.told;
    this.test = test;
    this.todo = todo;
    this.part("reading-title").textContent = fill(texts[`${todo}_now`], { name: nameOf(test) });
    this.part("reading-label").textContent = test.tube;
    const isLate = todo === "read" && times(test, Date.now()).late < 0;
    this.isLate = isLate;
    this.part("reading-said").textContent = isLate ? texts.too_late
      : todo === "confirm" ? fill(texts.first_said, { outcome: texts[test.outcome] }) : "";
    this.dialog.querySelector('[data-outcome="inconclusive"]').hidden = todo !== "confirm";
    for (const outcome of ["negative", "positive"]) {
      this.dialog.querySelector(`[data-outcome="${outcome}"]`).disabled = isLate;
    }
    this.dialog.showModal();
    // The title, not a button: the Enter of a scanner must not press anything.
    this.part("reading-title").focus();
  }

  key(pressed) {
    if (pressed.key === "Enter" && this.typed.length > 1) {
      pressed.preventDefault();
      this.told.onRefused(this.told.texts.one_key);
      this.typed = "";
    }
    if (pressed.key.length !== 1 || pressed.ctrlKey || pressed.altKey) return;
    if (pressed.key === " " && pressed.target.matches("button")) return;
    this.typed += pressed.key;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const outcome = this.typed.length === 1 ? KEYS[this.typed.toLowerCase()] : null;
      this.typed = "";
      if (outcome && this.isOpen) this.choose(outcome);
    }, ALONE_MS);
  }

  choose(outcome) {
    const { texts } = this.told;
    if (this.todo === "read") {
      if (outcome === "inconclusive" || (this.isLate && outcome !== "invalid")) return;
      this.dialog.close();
      this.told.onRead(this.test, outcome);
    } else if (outcome !== this.test.outcome && outcome !== "inconclusive") {
      this.part("reading-said").textContent = texts.confirm_differs;
      this.told.onRefused(texts.confirm_differs);
    } else {
      this.dialog.close();
      this.told.onConfirm(this.test, outcome);
    }
  }
}
