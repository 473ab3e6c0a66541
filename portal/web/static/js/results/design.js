// The pools of a design by keyboard: P N I V set one and go on, as in the rack.

const OUTCOMES = { P: "positive", N: "negative", I: "inconclusive", V: "invalid" };
const pools = [...document.querySelectorAll(".pool-entry")];
const said = document.getElementById("said");

const set = (pool, outcome) => {
  pool.value = outcome;
  if (outcome) pool.dataset.outcome = outcome;
  else delete pool.dataset.outcome;
};

for (const [at, pool] of pools.entries()) {
  set(pool, pool.value);
  pool.addEventListener("change", () => set(pool, pool.value));
  pool.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const outcome = OUTCOMES[event.key.toUpperCase()];
    if (!outcome && event.key !== "Delete") return;
    event.preventDefault();
    set(pool, outcome ?? "");
    if (outcome) pools[at + 1]?.focus();
  });
}

document.getElementById("rest-negative")?.addEventListener("click", () => {
  const typed = document.getElementById("rest");
  const open = pools.filter((pool) => !pool.value);
  if (Number(typed.value) !== open.length || !open.length) {
    said.textContent = `${said.dataset.wrongCount} ${open.length}`;
    said.className = "said said-warn";
    typed.focus();
    return;
  }
  for (const pool of open) set(pool, "negative");
  typed.value = "";
  said.textContent = `${open.length} ${said.dataset.rest}`;
  said.className = "said said-ok";
});

document.getElementById("rest")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  document.getElementById("rest-negative").click();
});
