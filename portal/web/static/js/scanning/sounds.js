// Three sounds that are told apart in a noisy yard: one high tone, two middle ones, one long low.

const TONES = { ok: [[1320, 0.09]], warning: [[880, 0.09], [880, 0.09]], refused: [[220, 0.45]] };
let audio = null;

/** Plays `ok`, `warning` or `refused`; silent where the browser has no sound. */
export function play(name) {
  const Audio = globalThis.AudioContext;
  if (!Audio) return;
  audio ??= new Audio();
  let at = audio.currentTime;
  for (const [pitch, seconds] of TONES[name]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.value = 0.25;
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds + 0.06;
  }
}
