// A person without a card: typed in, with what the server needs to know who it is.

export class TypedForm {
  /** @param {{onPerson: Function, onIncomplete: Function, onClose: Function}} told */
  constructor(page, told) {
    this.told = told;
    this.dialog = page.querySelector("[data-form]");
    this.form = page.querySelector("[data-typed]");
    this.form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      this.take();
    });
    this.dialog.addEventListener("close", () => told.onClose());
    page.querySelector("[data-open-form]").addEventListener("click", () => this.open());
    page.querySelector("[data-close-form]").addEventListener("click", () => this.dialog.close());
  }

  get isOpen() {
    return this.dialog.open;
  }

  open(nationalId = "") {
    this.form.reset();
    this.form.elements.national_id.value = nationalId;
    this.dialog.showModal();
    this.form.elements.full_name.focus();
  }

  take() {
    const person = Object.fromEntries(new FormData(this.form).entries());
    const isSymptomatic = person.is_symptomatic === "on";
    delete person.is_symptomatic;
    person.full_name = person.full_name.trim();
    const year = person.birth_date.match(/(\d{4})$/)?.[1];
    if (!person.full_name || !year) {
      this.told.onIncomplete();
      return;
    }
    this.dialog.close();
    const key = person.national_id || `${person.full_name.toLowerCase()}/${person.birth_date}`;
    this.told.onPerson(
      { source: "typed", key, name: person.full_name, year, place: person.address },
      { person, is_symptomatic: isSymptomatic },
    );
  }
}
