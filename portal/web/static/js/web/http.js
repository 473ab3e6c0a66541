// Requests to our own server: CSRF token, plain errors, a loading sign after 300 ms.

export class Refused extends Error {
  // A refusal by the server: `status`, stable `code`, `details` as a list of sentences.
  constructor(status, body) {
    super(body.message ?? "");
    this.status = status;
    this.code = body.code ?? "";
    this.details = body.details ?? [];
  }
}

export class Offline extends Error {}

const token = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

const withSign = async (work) => {
  const sign = document.querySelector("[data-loading]");
  const timer = window.setTimeout(() => sign && (sign.hidden = false), 300);
  try {
    return await work;
  } finally {
    window.clearTimeout(timer);
    if (sign) sign.hidden = true;
  }
};

const send = async (url, options) => {
  let response;
  try {
    response = await withSign(fetch(url, { credentials: "same-origin", ...options }));
  } catch {
    throw new Offline();
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body);
  return body;
};

export const get = (url) => send(url, { headers: { Accept: "application/json" } });

export const post = (url, data) =>
  send(url, {
    method: "POST",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      "X-CSRFToken": token(),
    },
    body: JSON.stringify(data),
  });
