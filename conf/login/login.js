// SPDX-License-Identifier: Apache-2.0
//
// Signs in, registers and signs out by the account service's cookies. No token ever gets here:
// the cookies are HttpOnly, and the answers are asked for without tokens.
"use strict";

const byId = (id) => document.getElementById(id);
const views = ["sign-in", "register", "signed-in"].map(byId);
const AGAIN = "authsvc-returned"; // in sessionStorage: when this page last sent the visitor back
const TOO_SOON = 10000; // ms

let api = null; // the mount's URL, with a slash at its end

/**
 * Where to go after signing in: a path of this site, never another one's, never this page.
 * @return {URL | null}
 */
function returnTarget() {
  const path = new URLSearchParams(location.search).get("return_to");
  // eslint-disable-next-line no-control-regex
  if (path === null || !/^\/(?!\/)[^\\\u0000-\u001f\u007f]*$/.test(path)) {
    return null;
  }
  let target;
  try {
    target = new URL(path, location.origin);
  } catch {
    return null;
  }
  const here = target.pathname === location.pathname;
  return target.origin === location.origin && !here ? target : null;
}

/** True if this page has just sent the visitor back: then something else than the session is amiss. */
function isCircle() {
  const now = Date.now();
  try {
    const last = Number(sessionStorage.getItem(AGAIN));
    sessionStorage.setItem(AGAIN, String(now));
    return now - last < TOO_SOON;
  } catch {
    return false; // no storage: nothing to compare with
  }
}

/** Go back, if there is somewhere to go. */
function goBack() {
  const target = returnTarget();
  if (!target) {
    return false;
  }
  // The whole URL: a path alone could start with two slashes once it is resolved.
  location.replace(target.href);
  return true;
}

// ---- the service

/** This page's Link field (RFC 8631) names the contract, beside which the operations are. */
async function findApi() {
  const page = await fetch(location.pathname, { method: "HEAD", cache: "no-store" });
  const [, path] = /<([^>]*)>; *rel="service-desc"/.exec(page.headers.get("Link") ?? "") ?? [];
  const contract = new URL(path ?? "", location.href);
  if (!path || contract.origin !== location.origin) {
    throw new Error("no account service of this site");
  }
  const answer = await fetch(contract);
  if (!answer.ok) {
    throw new Error(`no contract: ${answer.status}`);
  }
  api = new URL(".", contract);
  return answer.json();
}

/** Ask; gives {status, body}. Throws if there is no answer. */
async function ask(path, members) {
  const answer = await fetch(new URL(path, api), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(members),
    cache: "no-store",
    credentials: "same-origin",
    redirect: "error",
  });
  const isJson = /^application\/([a-z]+\+)?json\b/.test(answer.headers.get("Content-Type") ?? "");
  return { status: answer.status, body: isJson ? await answer.json() : null };
}

// ---- what is seen

function clearErrors() {
  byId("problem").textContent = "";
  byId("notice").textContent = "";
  byId("notice").hidden = true;
  for (const field of document.querySelectorAll("input")) {
    field.removeAttribute("aria-invalid");
  }
  for (const error of document.querySelectorAll(".error")) {
    error.textContent = "";
  }
}

function forgetPasswords() {
  for (const field of document.querySelectorAll('input[type="password"]')) {
    field.value = "";
  }
}

function show(id) {
  clearErrors();
  byId("wait").hidden = true;
  for (const view of views) {
    view.hidden = view.id !== id;
  }
  document.title = byId(`${id}-title`).textContent;
  const field = byId(id).querySelector("input");
  (field ?? byId(`${id}-title`)).focus();
}

function showSignedIn(user) {
  forgetPasswords();
  byId("who").textContent = user.name;
  byId("who-email").textContent = user.email;
  const target = returnTarget();
  byId("continue").hidden = !target;
  if (target) {
    byId("continue").href = target.href;
  }
  show("signed-in");
}

function tell(text) {
  const problem = byId("problem");
  problem.textContent = text;
  problem.focus();
}

/** Problem details: each wrong member at its field, all else above the form. */
function showProblem(form, { status, body }) {
  const rest = [];
  for (const { pointer, detail } of body?.errors ?? []) {
    const field = form?.elements.namedItem(pointer.slice(1));
    const place = field?.id ? byId(`${field.id}-error`) : null;
    if (place) {
      place.textContent = `${place.textContent} ${detail}`.trim();
      field.setAttribute("aria-invalid", "true");
    } else {
      rest.push(detail);
    }
  }
  const first = form?.querySelector('[aria-invalid="true"]');
  if (rest.length === 0 && !first) {
    rest.push(body?.detail ?? `The server answered with status ${status}.`);
  }
  if (first) {
    byId("problem").textContent = rest.join(" ");
    first.focus();
  } else {
    tell(rest.join(" "));
  }
}

const KINDS = {
  upper: "an upper-case letter",
  lower: "a lower-case letter",
  digit: "a digit",
  symbol: "a symbol",
};

/** The site's own rules, from the contract as this server serves it. */
function showOffer(contract) {
  const site = contract.info["x-authsvc-site"] ?? {};
  const password = contract.components.schemas.RegisterRequest.properties.password;
  const kinds = (password["x-authsvc-password-requires"] ?? []).map((kind) => KINDS[kind] ?? kind);
  byId("offer-register").hidden = !site.registration;
  byId("password-rules").textContent =
    `At least ${password.minLength} characters` +
    (kinds.length > 0 ? `, with ${new Intl.ListFormat("en").format(kinds)}.` : ".");
  if (!site.cookies) {
    tell("This site does not keep sessions in cookies, so that nobody can sign in here.");
  }
}

// ---- what is done

let busy = false;

/** One thing at a time; buttons rest meanwhile. */
async function doing(work) {
  if (busy) {
    return;
  }
  busy = true;
  const buttons = document.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  clearErrors();
  let report = null;
  try {
    report = await work();
  } catch {
    report = () => tell("The server cannot be reached. Try again later.");
  } finally {
    busy = false;
    buttons.forEach((button) => (button.disabled = false));
  }
  report?.(); // may move the focus, which a disabled button cannot have
}

function send(form, path) {
  return doing(async () => {
    const members = { omit_tokens: true };
    for (const field of form.querySelectorAll("input")) {
      members[field.name] = field.value;
    }
    let answer = await ask(path, members);
    if (answer.status === 202) {
      // the site does not say whether the address was new: signing in does
      const { email, password, omit_tokens } = members;
      answer = await ask("auth/login", { email, password, omit_tokens });
    }
    if (answer.status >= 300) {
      return () => showProblem(form, answer);
    }
    return goBack() ? null : () => showSignedIn(answer.body.user);
  });
}

function signOut() {
  return doing(async () => {
    const answer = await ask("auth/logout", {});
    // 400: the cookie is gone already, and so is the session for this browser
    if (answer.status !== 204 && answer.status !== 400) {
      return () => showProblem(null, answer);
    }
    return () => {
      show("sign-in");
      byId("notice").hidden = false;
      byId("notice").textContent = "You are signed out.";
    };
  });
}

/** Whose session has a living refresh cookie goes on without a password. */
function start() {
  byId("wait").hidden = false;
  return doing(async () => {
    const contract = await findApi();
    const answer = await ask("auth/refresh", { omit_tokens: true });
    if (answer.status === 200) {
      return !isCircle() && goBack() ? null : () => showSignedIn(answer.body.user);
    }
    return () => {
      show("sign-in");
      showOffer(contract);
      if (answer.status >= 500) {
        showProblem(null, answer);
      }
    };
  }).finally(() => (byId("wait").hidden = true));
}

byId("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target, "auth/login");
});
byId("register-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target, "auth/register");
});
byId("show-register").addEventListener("click", () => show("register"));
byId("show-sign-in").addEventListener("click", () => show("sign-in"));
byId("sign-out").addEventListener("click", signOut);
// Back button: whoever is shown the page again sees how things are now, and no password.
addEventListener("pagehide", forgetPasswords);
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    start();
  }
});
start();
