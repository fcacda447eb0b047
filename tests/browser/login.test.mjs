// SPDX-License-Identifier: Apache-2.0
//
// The login page and the session cookies in Chromium. The sites are made by tests/lib/harness/browser.py:
// PYTHONPATH=tests/lib python3 -m harness.browser -- npm --prefix tests/browser test
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";

const { SITE_URL, DIRECT_URL, NEIGHBOUR_URL, STRANGER_URL, PLAIN_URL, DISCREET_URL } = process.env;
const PASSWORD = "Correct-Horse-7";
const API = "/api/v1";
const ACCESS = "__Host-authsvc";
const REFRESH = "__Secure-authsvc-refresh";
const DEVICE = "__Secure-authsvc-device";

let browser;
let context;
let page;
let complaints;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // or the back button would never show a page as it was left
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    args: [
      "--host-resolver-rules=MAP *.test 127.0.0.1",
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
    ],
  });
});
after(() => browser?.close());

beforeEach(async () => {
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(10_000);
  complaints = [];
  page = await newPage();
});
afterEach(async () => {
  await context.close();
  assert.deepEqual(complaints, [], "no script failed, and nothing was against the page's policy");
});

/** A tab whose scripts' failures, and breaches of a content security policy, fail the test. */
async function newPage() {
  const tab = await context.newPage();
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("console", (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) {
      complaints.push(message.text());
    }
  });
  return tab;
}

const newEmail = () => `browser-${randomBytes(9).toString("hex")}@example.com`;
const heading = (tab, text) => tab.getByRole("heading", { name: text, exact: true }).waitFor();
/** Those of the session; the device's stays. */
const names = async () => (await context.cookies()).map((cookie) => cookie.name)
  .filter((name) => !name.endsWith("-device")).sort();
const login = (returnTo) =>
  `${SITE_URL}/login/` + (returnTo === undefined ? "" : `?return_to=${encodeURIComponent(returnTo)}`);

/** An account, made without a browser, which could not find the site by its name. */
async function newAccount() {
  const email = newEmail();
  const answer = await fetch(`${DIRECT_URL}${API}/auth/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD, name: "Ada Lovelace" }),
  });
  assert.equal(answer.status, 201);
  return email;
}

/** A field of the form that is seen. */
const field = (label, tab = page) => tab.locator("section:visible").getByLabel(label);

async function fillIn(tab, email, password = PASSWORD) {
  await heading(tab, "Sign in");
  await field("Email address", tab).fill(email);
  await field("Password", tab).fill(password);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signIn(tab = page) {
  const email = await newAccount();
  await tab.goto(login());
  await fillIn(tab, email);
  await heading(tab, "You are signed in");
  return email;
}

/** What the API says of the visitor, asked by a page of the site: 200 or 401. */
const status = (tab = page) =>
  tab.evaluate(async (url) => (await fetch(url)).status, `${API}/users/me`);

test("signing in and out, with nothing for a script to read", async () => {
  const email = await signIn();
  assert.equal(await page.locator("#who-email").textContent(), email);
  const cookies = Object.fromEntries((await context.cookies()).map((one) => [one.name, one]));
  assert.deepEqual(Object.keys(cookies).sort(), [ACCESS, DEVICE, REFRESH]);
  for (const [name, path, sameSite, lifetime] of [
    [ACCESS, "/", "Lax", 900],
    [REFRESH, `${API}/auth`, "Strict", 2592000],
    [DEVICE, `${API}/auth`, "Lax", 31536000],
  ]) {
    const cookie = cookies[name];
    assert.deepEqual(
      { path: cookie.path, sameSite: cookie.sameSite, httpOnly: cookie.httpOnly, secure: cookie.secure,
        domain: cookie.domain },
      { path, sameSite, httpOnly: true, secure: true, domain: new URL(SITE_URL).hostname },
    );
    assert.ok(Math.abs(cookie.expires - Date.now() / 1000 - lifetime) < 60, `${name} ${cookie.expires}`);
  }
  const seen = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  for (const { value } of Object.values(cookies)) {
    assert.ok(!seen.includes(value));
  }
  assert.equal(await status(), 200);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  assert.deepEqual(await names(), []);
  assert.deepEqual((await context.cookies()).map(({ name }) => name), [DEVICE]);
  assert.equal(await status(), 401);
  // the session itself has ended, not only the cookies
  await context.addCookies([cookies[ACCESS]]);
  assert.equal(await status(), 401);
});

test("no answer that the page gets has a token", async () => {
  const bodies = [];
  page.on("response", async (answer) => {
    if (answer.url().includes("/auth/")) {
      bodies.push(answer.text().catch(() => ""));
    }
  });
  await signIn();
  const texts = await Promise.all(bodies);
  assert.ok(texts.some((text) => text.includes("expires_in")), "the sign-in was seen");
  for (const text of texts) {
    assert.ok(!/_token":|eyJ|asr1_/.test(text), text);
  }
});

test("registering, with the site's rules and each error at its field", async () => {
  await page.goto(login("/page.html"));
  await heading(page, "Sign in");
  await page.getByRole("button", { name: "Create one" }).click();
  await heading(page, "Create an account");
  await page.getByText("At least 8 characters, with an upper-case letter, a lower-case letter, and a digit.")
    .waitFor();
  const email = newEmail();
  await field("Name").fill(" ");
  await field("Email address").fill("nobody");
  await field("Password").fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  for (const id of ["register-name", "register-email", "register-password"]) {
    await page.locator(`#${id}[aria-invalid=true]`).waitFor();
    assert.notEqual(await page.locator(`#${id}-error[role=alert]`).textContent(), "");
  }
  assert.equal(await page.evaluate(() => document.activeElement.id), "register-name");
  await field("Name").fill("Grace");
  await field("Email address").fill(email);
  await field("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL(`${SITE_URL}/page.html`);
  assert.equal(await status(), 200);
});

test("a wrong password is told, and the right one is taken then", async () => {
  const email = await newAccount();
  await page.goto(login());
  await fillIn(page, email, "Wrong-Horse-8");
  await page.getByRole("alert").filter({ hasText: "Invalid email or password." }).waitFor();
  assert.deepEqual(await names(), []);
  await fillIn(page, email);
  await heading(page, "You are signed in");
});

test("the page is for keyboards, phones, password managers and the dark", async () => {
  await page.setViewportSize({ width: 320, height: 568 });
  await page.goto(login());
  await heading(page, "Sign in");
  assert.equal(await page.evaluate(() => document.activeElement.id), "sign-in-email");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  for (const [id, hint] of [["sign-in-email", "username"], ["sign-in-password", "current-password"],
    ["register-password", "new-password"], ["register-name", "name"]]) {
    assert.equal(await page.locator(`#${id}`).getAttribute("autocomplete"), hint);
    assert.equal(await page.locator(`label[for=${id}]`).count(), 1);
  }
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  assert.notEqual(await background(), light);
  const email = await newAccount();
  await page.keyboard.type(email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "You are signed in");
});

test("the policy of the page lets in no other script, style, frame or target", async () => {
  const answer = await page.goto(login());
  const policy = answer.headers()["content-security-policy"];
  for (const part of ["default-src 'none'", "script-src 'self'", "form-action 'self'", "base-uri 'none'",
    "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(part), part);
  }
  assert.ok(!/unsafe|data:|\*/.test(policy));
  await heading(page, "Sign in");
  await page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.text = "document.title = 'taken over'";
    } catch {
      // trusted types
    }
    document.head.append(script);
  });
  assert.equal(await page.title(), "Sign in");
  assert.ok(complaints.length > 0, "the browser complains of it");
  complaints = [];
  // nobody may lay it into a frame, not even the site
  await page.goto(`${SITE_URL}/page.html`);
  await page.evaluate((url) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = done;
    frame.src = url;
    document.body.append(frame);
  }), login());
  assert.equal(await page.frames()[1].locator("#sign-in").count().catch(() => 0), 0);
  complaints = [];
});

test("it goes back to where the visitor wanted to go", async () => {
  const email = await newAccount();
  await page.goto(login("/page.html?a=1&b=%2F#part"));
  await fillIn(page, email);
  await page.waitForURL(`${SITE_URL}/page.html?a=1&b=%2F#part`);
});

test("it goes to no other place", async () => {
  await signIn();
  const strange = new URL(STRANGER_URL).host;
  for (const target of [STRANGER_URL, `//${strange}/`, `/\\${strange}`, `\\\\${strange}`, `/\t/${strange}`,
    `\t//${strange}`, `/\n/${strange}`, `///${strange}`, "javascript:alert(1)", "data:text/html,x", "", "page.html",
    "https:/page.html", `/\u0000/${strange}`, `http:${strange}`]) {
    await page.goto(login(target));
    await heading(page, "You are signed in");
    assert.equal(await page.locator("#continue").isVisible(), false, JSON.stringify(target));
    assert.equal(new URL(page.url()).origin, SITE_URL);
  }
  // what becomes two slashes on the way is a path all the same
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(login(`/.//${strange}/x`));
  await page.waitForURL(`${SITE_URL}//${strange}/x`);
});

test("a living refresh cookie is enough, without a password", async () => {
  await signIn();
  await context.clearCookies({ name: ACCESS });
  assert.equal(await status(), 401);
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(login("/page.html"));
  await page.waitForURL(`${SITE_URL}/page.html`);
  assert.deepEqual(await names(), [ACCESS, REFRESH]);
  assert.equal(await status(), 200);
});

test("who is sent to and fro is stopped", async () => {
  await signIn();
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(login("/page.html"));
  await page.waitForURL(`${SITE_URL}/page.html`);
  await page.goto(login("/page.html"));
  await heading(page, "You are signed in");
  await page.getByRole("link", { name: "Continue" }).click();
  await page.waitForURL(`${SITE_URL}/page.html`);
});

test("a refused refresh removes the cookies", async () => {
  await signIn();
  const cookies = await context.cookies();
  const everywhere = await page.evaluate(async (url) => (await fetch(url, { method: "POST" })).status,
    `${API}/auth/logout-all`);
  assert.equal(everywhere, 204);
  assert.deepEqual(await names(), []);
  await context.addCookies(cookies);
  await page.goto(login("/page.html"));
  await heading(page, "Sign in");
  assert.deepEqual(await names(), []);
});

test("a second tab shares the session, and its end", async () => {
  await signIn();
  const second = await newPage();
  await second.goto(`${SITE_URL}/page.html`);
  assert.equal(await status(second), 200);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  assert.equal(await status(second), 401);
});

test("two tabs refresh at the same time", async () => {
  await signIn();
  const second = await newPage();
  await second.goto(`${SITE_URL}/page.html`);
  const refresh = (tab) => tab.evaluate(async (url) =>
    (await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })).status,
  `${API}/auth/refresh`);
  assert.deepEqual(await Promise.all([refresh(page), refresh(second), refresh(page), refresh(second)]),
    [200, 200, 200, 200]);
  assert.equal(await status(second), 200);
});

test("the back button after signing out shows no session", async () => {
  await signIn();
  await page.goto(`${SITE_URL}${API}/users/me`);
  assert.match(await page.textContent("body"), /"email"/);
  await page.goto(login());
  await heading(page, "You are signed in");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await page.goBack({ waitUntil: "commit" });
  await page.getByText("problems/authentication").waitFor();
  await page.goForward({ waitUntil: "commit" });
  await heading(page, "Sign in");
});

/** A form on a page, sent with the visitor's cookies; gives the answer's status. */
async function postForm(tab, url, fields, enctype) {
  const [answer] = await Promise.all([
    tab.waitForResponse((one) => one.url() === url && one.request().method() === "POST"),
    tab.waitForURL(url),
    tab.evaluate(([action, members, type]) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action, enctype: type });
      for (const [name, value] of Object.entries(members)) {
        const input = document.createElement("input");
        Object.assign(input, { type: "hidden", name, value });
        form.append(input);
      }
      document.body.append(form);
      form.submit();
    }, [url, fields, enctype]),
  ]);
  return answer.status();
}

/** A request by fetch, readable or not. */
const crossFetch = (tab, url, options) =>
  tab.evaluate(async ([target, init]) => {
    try {
      const answer = await fetch(target, init);
      return answer.type === "opaque" ? "opaque" : answer.status;
    } catch {
      return "refused";
    }
  }, [url, options]);

for (const [who, where] of [["a stranger's", STRANGER_URL], ["a neighbour's", NEIGHBOUR_URL]]) {
  test(`${who} page changes nothing by the visitor's cookies`, async () => {
    await signIn();
    const attacker = await newPage();
    const answers = [];
    attacker.on("response", (answer) => {
      if (answer.url().includes(API)) {
        answers.push([new URL(answer.url()).pathname, answer.request().method(), answer.status()]);
      }
    });
    // JSON in a form: {"password":"...","x=":"y"} is what text/plain sends
    const disguised = { [`{"password":"${PASSWORD}","x":"`]: '"}' };
    for (const [path, fields, type] of [
      ["/auth/logout-all", {}, "application/x-www-form-urlencoded"],
      ["/auth/logout", { "{}": "" }, "text/plain"],
      ["/auth/refresh", { "{}": "" }, "text/plain"],
      ["/users/me/delete", disguised, "text/plain"],
    ]) {
      await attacker.goto(`${where}/page.html`);
      const answer = await postForm(attacker, `${SITE_URL}${API}${path}`, fields, type);
      // a stranger's form has no cookie with it, a neighbour's has the Lax one
      assert.ok([401, 403].includes(answer), `${path}: ${answer}`);
    }
    await attacker.goto(`${where}/page.html`);
    for (const [path, method] of [["/auth/logout-all", "POST"], ["/auth/logout", "POST"],
      ["/auth/refresh", "POST"], ["/users/me", "PATCH"], ["/users/me", "GET"]]) {
      for (const mode of ["cors", "no-cors"]) {
        const body = method === "GET" ? undefined : "{}";
        const outcome = await crossFetch(attacker, `${SITE_URL}${API}${path}`,
          { method: mode === "no-cors" && method === "PATCH" ? "POST" : method, mode, body, credentials: "include" });
        assert.ok(["refused", "opaque"].includes(outcome), `${path} ${mode}: ${outcome}`);
      }
    }
    assert.ok(answers.length > 0);
    for (const [path, method, code] of answers) {
      assert.ok(code >= 400 || method === "GET" || method === "OPTIONS", `${method} ${path}: ${code}`);
    }
    assert.equal(await status(), 200, "still signed in");
    assert.deepEqual(await names(), [ACCESS, REFRESH]);
    // the positive control: the site's own page may
    assert.equal(await page.evaluate(async (url) => (await fetch(url, { method: "POST" })).status,
      `${API}/auth/logout-all`), 204);
  });

  test(`${who} page signs nobody in`, async () => {
    const email = await newAccount();
    await page.goto(`${where}/page.html`);
    const credentials = { email, password: PASSWORD };
    const form = { [`{"email":"${email}","password":"${PASSWORD}","x":"`]: '"}' };
    assert.equal(await postForm(page, `${SITE_URL}${API}/auth/login`, form, "text/plain"), 403);
    await page.goto(`${where}/page.html`);
    for (const mode of ["cors", "no-cors"]) {
      for (const type of ["application/json", "text/plain"]) {
        const outcome = await crossFetch(page, `${SITE_URL}${API}/auth/login`,
          { method: "POST", mode, credentials: "include", headers: { "Content-Type": type },
            body: JSON.stringify(credentials) });
        assert.ok(["refused", "opaque"].includes(outcome), `${mode} ${type}: ${outcome}`);
      }
    }
    assert.deepEqual(await names(), []);
    await page.goto(`${SITE_URL}/page.html`);
    assert.equal(await crossFetch(page, `${SITE_URL}${API}/auth/login`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(credentials) }), 200,
    "the positive control");
    assert.deepEqual(await names(), [ACCESS, REFRESH]);
  });
}

const MEMBERS = `${SITE_URL}/members/`;
const TREASURE = "third oak";
const treasure = (tab = page) => tab.getByText(TREASURE).waitFor();

test("a guarded page sends people to the login page, and that back to it", async () => {
  const email = await newAccount();
  await page.goto(`${MEMBERS}?a=1&b=%26`);
  assert.equal(new URL(page.url()).pathname, "/login/");
  await fillIn(page, email);
  await treasure();
  assert.equal(page.url(), `${MEMBERS}?a=1&b=%26`);
});

test("a guarded page sends scripts nowhere", async () => {
  await page.goto(`${SITE_URL}/page.html`);
  const ask = () => page.evaluate(async (url) => {
    const answer = await fetch(url);
    return [answer.status, answer.redirected, answer.headers.get("Content-Type")];
  }, MEMBERS);
  assert.deepEqual(await ask(), [401, false, "application/problem+json"]);
  await signIn();
  assert.equal((await ask())[0], 200);
});

test("an access cookie that has ended is renewed on the way to the guarded page", async () => {
  await signIn();
  await page.evaluate(() => sessionStorage.clear());
  await context.clearCookies({ name: ACCESS });
  let asked = 0;
  page.on("request", (request) => (asked += request.url().endsWith("/auth/login") ? 1 : 0));
  await page.goto(MEMBERS);
  await treasure();
  assert.equal(page.url(), MEMBERS);
  assert.equal(asked, 0);
});

test("after signing out nothing shows the guarded page: not the back button, not a second tab", async () => {
  await signIn();
  await page.goto(MEMBERS);
  await treasure();
  const second = await newPage();
  await second.goto(MEMBERS);
  await treasure(second);
  await page.goto(login());
  await heading(page, "You are signed in");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await page.goBack({ waitUntil: "commit" });
  await heading(page, "Sign in");
  assert.equal(new URL(page.url()).pathname, "/login/");
  assert.equal(await page.getByText(TREASURE).count(), 0);
  await second.reload();
  await heading(second, "Sign in");
  assert.equal(await second.getByText(TREASURE).count(), 0);
  // and in again, from the second tab
  const email = await newAccount();
  await fillIn(second, email);
  await treasure(second);
  await page.goto(MEMBERS);
  await treasure();
});

for (const [who, where, sent] of [["a stranger's", STRANGER_URL, [401]], ["a neighbour's", NEIGHBOUR_URL, [403]]]) {
  test(`${who} page posts nothing to a guarded page`, async () => {
    await signIn();
    const attacker = await newPage();
    await attacker.goto(`${where}/page.html`);
    const form = "application/x-www-form-urlencoded";
    // a stranger's form comes without a cookie, a neighbour's with the Lax one
    assert.deepEqual([await postForm(attacker, MEMBERS, { a: "1" }, form)], sent);
    await attacker.goto(`${where}/page.html`);
    const statuses = [];
    attacker.on("response", (answer) => answer.url() === MEMBERS && statuses.push(answer.status()));
    for (const mode of ["cors", "no-cors"]) {
      await crossFetch(attacker, MEMBERS, { method: "POST", mode, body: "a=1", credentials: "include" });
    }
    assert.ok(statuses.length > 0 && statuses.every((code) => code === sent[0]), String(statuses));
    // positive controls: a link is followed with the cookie, and the site's own form gets through
    await attacker.evaluate((url) => location.assign(url), MEMBERS);
    await treasure(attacker);
    await page.goto(`${SITE_URL}/page.html`);
    assert.equal(await postForm(page, MEMBERS, { a: "1" }, form), 200);
  });
}

test("on loopback without TLS: bare names, closed registration, an access token that has ended", async () => {
  await page.goto(`${PLAIN_URL}/login/?return_to=/page.html`);
  await heading(page, "Sign in");
  assert.equal(await page.locator("#show-register").isVisible(), false);
  await fillIn(page, "ada@example.com");
  await page.waitForURL(`${PLAIN_URL}/page.html`);
  assert.deepEqual(await names(), ["authsvc", "authsvc-refresh"]);
  assert.ok((await context.cookies()).every((cookie) => !cookie.secure && cookie.httpOnly));
  assert.equal(await status(), 200);
  await page.waitForTimeout(2500);
  assert.deepEqual(await names(), ["authsvc-refresh"]);
  assert.equal(await status(), 401);
  await page.goto(`${PLAIN_URL}/login/?return_to=/page.html`);
  await page.waitForURL(`${PLAIN_URL}/page.html`);
  assert.equal(await status(), 200);
});

test("where registering tells nothing, it signs a new visitor in, and nobody else", async () => {
  const register = async (email, password) => {
    await page.goto(`${DISCREET_URL}/login/?return_to=/page.html`);
    await heading(page, "Sign in");
    await page.getByRole("button", { name: "Create one" }).click();
    await field("Name").fill("Grace");
    await field("Email address").fill(email);
    await field("Password").fill(password);
    const answer = page.waitForResponse((one) => one.url().endsWith("/auth/register"));
    await page.getByRole("button", { name: "Create account" }).click();
    assert.equal((await answer).status(), 202);
  };
  await register("ada@example.com", `${PASSWORD}9`);
  await page.getByText("Invalid email or password.").waitFor();
  assert.deepEqual(await names(), []);
  await register(newEmail(), PASSWORD);
  await page.waitForURL(`${DISCREET_URL}/page.html`);
  assert.equal(await status(), 200);
});
