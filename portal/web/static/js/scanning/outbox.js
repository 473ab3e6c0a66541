// Events on this device until the server has them: kept in IndexedDB, cut into numbered batches,
// sent again and again until the door says 202. A batch keeps its number and its bytes, so that
// sending it twice changes nothing.

import { uuid7 } from "./codes.js";

const MOST_EVENTS = 100;
const RETRY_MS = [500, 1000, 2000, 5000, 15000];

function request(action) {
  return new Promise((resolve, reject) => {
    action.onsuccess = () => resolve(action.result);
    action.onerror = () => reject(action.error);
  });
}

function open() {
  const opening = indexedDB.open("tram-outbox", 1);
  opening.onupgradeneeded = () => {
    const db = opening.result;
    db.createObjectStore("events", { autoIncrement: true });
    db.createObjectStore("batches", { keyPath: "seq" });
    db.createObjectStore("facts");
  };
  return request(opening);
}

export class Outbox {
  /** @param {{deviceId: string, token: string, url: string, onChange: Function, onOutcome: Function}} options */
  constructor(options) {
    Object.assign(this, options);
    this.failures = 0;
    this.isSending = false;
    this.isOnline = true;
    this.waiting = 0;
  }

  async start() {
    this.db = await open();
    navigator.storage?.persist?.();
    const known = await this.fact("device");
    if (known && known !== this.deviceId) await this.forget();
    await this.setFact("device", this.deviceId);
    await this.count();
    addEventListener("online", () => this.flush());
    this.flush();
    this.poll();
    return this;
  }

  store(name, mode = "readonly") {
    return this.db.transaction(name, mode).objectStore(name);
  }

  fact(name) {
    return request(this.store("facts").get(name));
  }

  setFact(name, value) {
    return request(this.store("facts", "readwrite").put(value, name));
  }

  /** Another device was enrolled in this browser: what it had sent stays sent, numbers start anew. */
  async forget() {
    for (const name of ["events", "batches", "facts"]) {
      await request(this.store(name, "readwrite").clear());
    }
  }

  /** Keeps an event durably; sending follows by itself. */
  async add(event) {
    await request(this.store("events", "readwrite").add(event));
    this.waiting += 1;
    this.onChange(this);
    this.flush();
  }

  async count() {
    const batches = await request(this.store("batches").getAll());
    const events = await request(this.store("events").count());
    this.waiting = events + batches.reduce((sum, batch) => sum + batch.size, 0);
    this.onChange(this);
  }

  /** Cuts what waits into a batch; events and number change hands in one transaction. */
  async cut() {
    const tx = this.db.transaction(["events", "batches", "facts"], "readwrite");
    const events = tx.objectStore("events");
    const [keys, values] = await Promise.all([
      request(events.getAllKeys(null, MOST_EVENTS)),
      request(events.getAll(null, MOST_EVENTS)),
    ]);
    if (!keys.length) return null;
    const seq = ((await request(tx.objectStore("facts").get("seq"))) || 0) + 1;
    const body = JSON.stringify({ device_id: this.deviceId, batch_id: uuid7(), seq, events: values });
    const batch = { seq, body, size: values.length };
    tx.objectStore("batches").put(batch);
    tx.objectStore("facts").put(seq, "seq");
    for (const key of keys) events.delete(key);
    await new Promise((resolve, reject) => {
      tx.oncomplete = resolve;
      tx.onerror = tx.onabort = () => reject(tx.error);
    });
    return batch;
  }

  async flush() {
    if (this.isSending || !this.db) return;
    this.isSending = true;
    try {
      for (;;) {
        const [batch] = await request(this.store("batches").getAll(null, 1));
        const next = batch || (await this.cut());
        if (!next) break;
        if (!(await this.send(next))) break;
      }
    } finally {
      this.isSending = false;
    }
  }

  async send(batch) {
    const answer = await this.post(batch.body);
    if (answer?.status === 202) {
      await request(this.store("batches", "readwrite").delete(batch.seq));
      this.waiting -= batch.size;
      this.failures = 0;
      this.isOnline = true;
      this.refusal = null;
      this.onChange(this);
      return true;
    }
    // Refused for good (revoked device, bad form): kept here, shown, tried again after a while.
    this.refusal = answer && ![429, 503, 502, 504].includes(answer.status) ? answer.status : null;
    this.isOnline = Boolean(answer);
    const asked = Number(answer?.headers.get("Retry-After")) * 1000 || 0;
    const wait = Math.max(asked, RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
    this.onChange(this);
    setTimeout(() => this.flush(), wait * (0.8 + 0.4 * Math.random()));
    return false;
  }

  async post(body) {
    try {
      return await fetch(`${this.url}/batches`, {
        method: "POST",
        body,
        headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
        credentials: "omit",
        signal: AbortSignal.timeout(20000),
      });
    } catch {
      return null; // No network: said by `isOnline`, and tried again.
    }
  }

  /** Asks what became of the events; refusals reach the page. */
  async poll() {
    const after = (await this.fact("cursor")) || 0;
    try {
      const answer = await fetch(`${this.url}/outcomes?after=${after}`, {
        headers: { Authorization: `Bearer ${this.token}` },
        credentials: "omit",
        signal: AbortSignal.timeout(20000),
      });
      if (answer.ok) {
        const found = await answer.json();
        for (const outcome of found.outcomes) this.onOutcome(outcome);
        const cursor = found.outcomes.at(-1)?.cursor ?? found.next ?? after;
        if (cursor !== after) await this.setFact("cursor", cursor);
      }
    } catch {
      this.isOnline = navigator.onLine;
    }
    setTimeout(() => this.poll(), document.hidden ? 15000 : 3000);
  }
}
