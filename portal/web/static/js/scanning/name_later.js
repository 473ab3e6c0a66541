// The name in an HC1 certificate is packed too deep for this page: the server unpacks it, in memory.

/** Fills in the person's name and year once the server has said them; without network, never.
 *  `onName` gets the whole answer: `is_proved` says whether a trusted signer signed it. */
export async function nameLater(facts, text, person, onName) {
  try {
    const answer = await fetch(facts.read_url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": facts.csrf },
      body: JSON.stringify({ text }),
    });
    if (!answer.ok) return;
    const said = await answer.json();
    if (!said.name) return;
    person.name = said.name;
    person.year = said.year;
    onName(said);
  } catch {
    // No network: the name comes with the list of samples.
  }
}
