// The rapid tests of a session as this device knows them: its own at once, others' from the
// server. What was done here and is still on its way counts until the server says otherwise.

const MINUTE = 60000;

export class RapidTests {
  constructor(kept) {
    this.byId = new Map((kept?.tests || []).map((test) => [test.sampleId, test]));
    // Sample → what was sent for it and has no outcome yet.
    this.ended = new Set(kept?.ended || []);
    this.sent = new Map(kept?.sent || []);
  }

  toJSON() {
    return { tests: [...this.byId.values()], ended: [...this.ended], sent: [...this.sent] };
  }

  add(test) {
    this.byId.set(test.sampleId, test);
  }

  /** Tests in the order in which something is to be done: the oldest first. */
  all() {
    return [...this.byId.values()]
      .filter((test) => !this.ended.has(test.sampleId))
      .sort((a, b) => a.startedAt - b.startedAt);
  }

  /** The test of a label, of a slip's code, or of a person's key. */
  find({ tube, code, key }) {
    return this.all().find((test) =>
      (tube && test.tube === tube) || (code && test.resultCode === code) || (key && test.key === key));
  }

  /**
   * Takes over what the server knows; tests it no longer lists have come to their end. `lot` gives
   * the times of tests that were begun on another device.
   */
  merge(rows, userId, lot) {
    const listed = new Set();
    for (const row of rows) {
      listed.add(row.sampleId);
      const known = this.byId.get(row.sampleId)
        || { ...row, readAfter: lot?.readAfter, readUntil: lot?.readUntil };
      known.isKnown = true;
      known.name ||= row.name;
      known.year ||= row.year;
      if (row.outcome && !known.isPending) {
        known.outcome = row.outcome;
        known.readBy = row.isMine ? userId : 0;
      }
      known.isReleased ||= row.isReleased;
      this.byId.set(row.sampleId, known);
    }
    for (const [id, test] of this.byId) {
      if (test.isKnown && !listed.has(id)) {
        this.byId.delete(id);
        this.ended.delete(id);
      }
    }
  }

  note(eventId, sampleId, kind) {
    this.sent.set(eventId, [sampleId, kind]);
  }

  /** What the server said of an event of ours; a refusal takes the step back. */
  settle(outcome) {
    const [sampleId, kind] = this.sent.get(outcome.event_id) || [];
    if (!sampleId) return null;
    this.sent.delete(outcome.event_id);
    const test = this.byId.get(sampleId);
    if (!test) return null;
    if (kind === "antigen.read") test.isPending = false;
    if (outcome.status === "applied") return null;
    if (kind === "antigen.read") test.outcome = "";
    if (kind === "antigen.released") {
      test.isReleased = false;
      this.ended.delete(sampleId);
    }
    if (kind === "sample.collected") this.byId.delete(sampleId);
    return test;
  }
}

/** Milliseconds until a test may be read (below zero: since when), and until it is too late. */
export function times(test, now) {
  return {
    early: test.startedAt + (test.readAfter ?? 15) * MINUTE - now,
    late: test.startedAt + (test.readUntil ?? 30) * MINUTE - now,
  };
}

/** What is to be done for a test by this person: read, confirm, pcr, repeat, or wait. */
export function step(test, userId) {
  if (!test.outcome) return "read";
  if (!test.isReleased) return test.readBy === userId ? "wait" : "confirm";
  return test.outcome === "positive" ? "pcr" : "repeat";
}
