// Search boxes over rows of another table (`RelatedField`): ARIA combobox with a list box.
import { get } from "./http.js";

const WAIT_MS = 200;

const base = window.location.pathname.replace(/\/(list|add|edit|show)(\/.*)?$/, "");

const attach = (box) => {
  const [key, input] = box.querySelectorAll("input");
  const list = document.createElement("ul");
  list.id = `${input.id}-options`;
  list.setAttribute("role", "listbox");
  list.hidden = true;
  box.append(list);
  input.setAttribute("aria-controls", list.id);
  let timer = 0;
  let active = -1;
  let asked = 0;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const choose = (option) => {
    key.value = option.dataset.id;
    input.value = option.textContent;
    close();
  };

  const mark = (step) => {
    const options = list.children;
    if (!options.length) return;
    options[active]?.removeAttribute("aria-selected");
    active = (active + step + options.length) % options.length;
    options[active].setAttribute("aria-selected", "true");
    options[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[active].id);
  };

  const show = (rows) => {
    list.replaceChildren(
      ...rows.map((row, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.dataset.id = row.id;
        option.textContent = row.text;
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(option);
        });
        return option;
      }),
    );
    active = -1;
    list.hidden = rows.length === 0;
    input.setAttribute("aria-expanded", String(rows.length > 0));
  };

  const ask = async () => {
    asked += 1;
    const mine = asked;
    const query = new URLSearchParams({ q: input.value });
    const answer = await get(`${base}/options/${input.dataset.options}?${query}`).catch(() => null);
    if (answer && mine === asked) show(answer.options);
  };

  input.addEventListener("input", () => {
    key.value = "";
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("focus", () => {
    if (!key.value) ask();
  });
  input.addEventListener("blur", () => {
    if (!key.value) input.value = "";
    close();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      choose(list.children[active]);
    } else if (event.key === "Escape") {
      close();
    }
  });
};

for (const box of document.querySelectorAll(".options")) attach(box);
