// The camera as a scanner: the browser's own detector where there is one, else frames are read
// by the server, in memory, and kept by nobody.

const EVERY_MS = 250;
const WIDTH = 960;

export class Camera {
  /** @param {{video: HTMLVideoElement, decodeUrl: string, csrf: string, onText: Function, onProblem: Function}} options */
  constructor(options) {
    Object.assign(this, options);
    this.canvas = document.createElement("canvas");
    this.last = "";
    this.lastAt = 0;
  }

  get isOn() {
    return Boolean(this.stream);
  }

  async start() {
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1280 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    } catch {
      this.onProblem("camera");
      return;
    }
    this.video.srcObject = this.stream;
    this.video.hidden = false;
    await this.video.play();
    const formats = (await globalThis.BarcodeDetector?.getSupportedFormats?.()) || [];
    this.detector = formats.includes("qr_code")
      ? new BarcodeDetector({ formats: formats.filter((f) => ["qr_code", "code_128"].includes(f)) })
      : null;
    this.look();
  }

  stop() {
    for (const track of this.stream?.getTracks() || []) track.stop();
    this.stream = null;
    this.video.hidden = true;
  }

  async look() {
    if (!this.stream) return;
    const texts = this.detector ? await this.detect() : await this.ask(await this.frame());
    const now = Date.now();
    for (const text of texts) {
      // The same code stays in view for a while: it counts once until it was away for 3 seconds.
      if (text !== this.last || now - this.lastAt > 3000) this.onText(text);
      this.last = text;
      this.lastAt = now;
    }
    setTimeout(() => this.look(), EVERY_MS);
  }

  async detect() {
    const found = await this.detector.detect(this.video).catch(() => []);
    return found.map((code) => code.rawValue);
  }

  frame() {
    const scale = Math.min(1, WIDTH / (this.video.videoWidth || WIDTH));
    this.canvas.width = this.video.videoWidth * scale;
    this.canvas.height = this.video.videoHeight * scale;
    if (!this.canvas.width) return null;
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", 0.8));
  }

  /** Reads a photo or frame on the server. */
  async ask(image) {
    if (!image) return [];
    try {
      const answer = await fetch(this.decodeUrl, {
        method: "POST",
        body: image,
        headers: { "Content-Type": "image/jpeg", "X-CSRFToken": this.csrf },
      });
      return answer.ok ? (await answer.json()).texts : [];
    } catch {
      return []; // No network: the page says so, the scanner and the form go on.
    }
  }
}
