// SPDX-License-Identifier: Apache-2.0
//
// AUTHSVC_URL=http://127.0.0.1:8080/api/v1 node validate-server.mjs
//
// Walk every operation of openapi.json on a running server, provoke each documented answer that
// can be provoked from outside, and validate status, fields and body against the contract with
// ajv. Registers a few users under example.com. --no-server: leave this part out.
//
// AUTHSVC_LIMITED, a header field: the server exempts requests without it from rate limits, and with
// it admits one an account and session, so that 429 is provoked, too.
//
// What needs a fault, another configuration (OTHER_SETTINGS), another client address (ELSEWHERE) or
// another role (ROLES) is provoked by tests/e2e/test_contract.py.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parseLimits } from "./rate-limit-fields.mjs";

const ELSEWHERE = new Set(["403", "500", "503"]);
const OTHER_SETTINGS = new Set(["register 202"]); // AuthSvcRegistrationDisclosure Off
const ROLES = new Set(["last-admin"]); // nobody is an admin by the API alone
const METHODS = ["get", "put", "post", "delete", "patch"];
const PASSWORD = "Correct-Horse-7";
const NOBODY = "01980c6e-5f0a-7c31-9d2b-3f1c7a5e8b49";
const WRONG_PASSWORD = "Wrong-Horse-8";

const limitedBy = process.env.AUTHSVC_LIMITED;
if (!limitedBy) ELSEWHERE.add("429");

const base = process.env.AUTHSVC_URL?.replace(/\/+$/, "");
if (!base) {
  console.log("AUTHSVC_URL is not set: no server was checked against the contract.");
  if (!process.argv.includes("--no-server")) {
    console.log("Set it to the mount's URL, or say --no-server to check the document alone.");
    process.exitCode = 1;
  }
  process.exit();
}

const contract = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(contract, "contract");

// ---- the contract

const escape = (name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
const at = (pointer) =>
  pointer.split("/").slice(1).reduce(
    (value, part) => value[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")],
    contract,
  );

/** The pointer that a chain of references ends in. */
function follow(pointer) {
  for (let value = at(pointer); value.$ref; value = at(pointer)) {
    pointer = value.$ref.slice(1);
  }
  return pointer;
}

/** A description of what is wrong with the value, or null. */
function mismatch(pointer, value) {
  const validate = ajv.getSchema(`contract#${pointer}`) ?? ajv.compile({ $ref: `contract#${pointer}` });
  return validate(value) ? null : ajv.errorsText(validate.errors);
}

const operations = new Map();
for (const [path, item] of Object.entries(contract.paths)) {
  for (const method of METHODS.filter((name) => item[name])) {
    operations.set(item[method].operationId, {
      method: method.toUpperCase(),
      path,
      pointer: `/paths/${escape(path)}/${method}`,
      statuses: Object.keys(item[method].responses),
    });
  }
}

// ---- requests

const newEmail = () => `validate-${randomBytes(9).toString("hex")}@example.com`;

async function send(id, { json, body, type, token, slug, session, limited } = {}) {
  const { method, path } = operations.get(id);
  const headers = limited ? { [limitedBy]: "1" } : {};
  if (json !== undefined || type) {
    headers["content-type"] = type ?? "application/json";
  }
  if (token !== undefined) {
    headers.authorization = token;
  }
  const target = path.replace("{slug}", slug ?? "validation").replace("{id}", session ?? NOBODY);
  return fetch(base + target, {
    method,
    headers,
    body: json === undefined ? body : JSON.stringify(json),
    redirect: "manual",
  });
}

async function newUser() {
  const email = newEmail();
  const answer = await send("register", { json: { email, password: PASSWORD, name: "Ada" } });
  if (answer.status !== 201) {
    throw new Error(`a user could not be registered: ${answer.status} ${await answer.text()}`);
  }
  const grant = await answer.json();
  return { email, grant, token: `Bearer ${grant.access_token}` };
}

/** The user's own session, by the access token. */
function ownSession({ token }) {
  const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  return { token, session: claims.sid };
}

// A request that succeeds, by operation.
const good = {
  register: async () => ({ json: { email: newEmail(), password: PASSWORD, name: "Ada Lovelace" } }),
  login: async () => ({ json: { email: (await newUser()).email, password: PASSWORD } }),
  refresh: async () => ({ json: { refresh_token: (await newUser()).grant.refresh_token } }),
  logout: async () => ({ json: { refresh_token: (await newUser()).grant.refresh_token } }),
  logoutAll: async () => ({ token: (await newUser()).token }),
  getMe: async () => ({ token: (await newUser()).token }),
  updateMe: async () => ({ token: (await newUser()).token, json: { name: "Ada King" } }),
  deleteMe: async () => ({ token: (await newUser()).token, json: { password: PASSWORD } }),
  listSessions: async () => ({ token: (await newUser()).token }),
  endSession: async () => ownSession(await newUser()),
};

const unauthenticated = {
  authentication: [
    async (id, request) => ({ ...request, token: undefined }),
    async (id, request) => ({ ...request, token: "Bearer" }),
    async (id, request) => ({ ...request, token: "Bearer not.a.token" }),
    async (id, request) => {
      await send("logoutAll", { token: request.token });
      return request;
    },
  ],
};
const wrongPassword = async (id, request) => ({
  ...request,
  json: { ...request.json, password: WRONG_PASSWORD },
});

// How a request that succeeds is spoiled: by operation ("*": every one with a body) and status, by
// the problem type expected.
const spoil = {
  "*": {
    400: {
      validation: [
        async (id, request) => ({ ...request, json: {} }),
        async (id, request) => ({ ...request, json: { ...request.json, unknown: true } }),
        async (id, request) => ({ ...request, json: [] }),
        async (id, request) => ({ ...request, json: undefined, type: "application/json", body: "{" }),
        async (id, request) => ({ ...request, json: undefined, type: "application/json" }),
      ],
    },
    413: {
      "body-too-large": [
        async (id, request) => ({
          ...request,
          json: undefined,
          type: "application/json",
          body: " ".repeat(1024 * 1024),
        }),
      ],
    },
    415: {
      "unsupported-media-type": [
        async (id, request) => ({ ...request, json: undefined, type: "text/plain", body: "a=b" }),
        async (id, request) => ({ ...request, type: "application/json; charset=utf-16" }),
      ],
    },
    429: {
      "rate-limited": [
        async (id, request) => {
          const limited = { ...request, limited: true };
          await send(id, limited);
          return limited;
        },
      ],
    },
  },
  register: {
    409: {
      "email-exists": [
        async (id, request) => {
          await send(id, request);
          return request;
        },
      ],
    },
  },
  login: {
    401: {
      "invalid-credentials": [
        wrongPassword,
        async (id, request) => ({ ...request, json: { ...request.json, email: newEmail() } }),
      ],
      "account-deactivated": [
        async () => {
          const { email, token } = await newUser();
          await send("deleteMe", { token, json: { password: PASSWORD } });
          return { json: { email, password: PASSWORD } };
        },
      ],
    },
  },
  refresh: {
    401: {
      "invalid-refresh-token": [
        async () => ({ json: { refresh_token: "asr1_nonsense" } }),
        async (id, request) => {
          await send("logout", request);
          return request;
        },
      ],
    },
  },
  logoutAll: { 401: unauthenticated },
  getMe: { 401: unauthenticated },
  updateMe: { 401: unauthenticated },
  deleteMe: {
    401: { ...unauthenticated, "invalid-credentials": [wrongPassword] },
    429: {
      "rate-limited": [
        async (id, request) => {
          const limited = { ...request, limited: true };
          await send(id, await wrongPassword(id, limited)); // the right one ends the session
          return limited;
        },
      ],
    },
  },
  listSessions: { 401: unauthenticated },
  endSession: {
    401: unauthenticated,
    404: {
      "not-found": [
        async (id, request) => ({ ...request, session: NOBODY }),
        async (id, request) => ({ ...request, session: "nonsense" }),
        async (id, request) => ({ ...request, session: ownSession(await newUser()).session }),
      ],
    },
  },
  getProblem: { 404: { "not-found": [async () => ({ slug: "nonsense" })] } },
};

// ---- checks

/** What is wrong with an answer; an empty list if nothing is. */
async function faults(id, status, slug, answer) {
  const found = [];
  const text = await answer.text();
  if (String(answer.status) !== status) {
    return [`status ${answer.status} instead of ${status}: ${text.slice(0, 200)}`];
  }
  const pointer = follow(`${operations.get(id).pointer}/responses/${status}`);
  const response = at(pointer);
  for (const name of Object.keys(response.headers ?? {})) {
    const header = follow(`${pointer}/headers/${escape(name)}`);
    const value = answer.headers.get(name);
    if (value === null) {
      if (at(header).required) found.push(`no ${name}`);
    } else {
      const wrong = mismatch(`${header}/schema`, value);
      if (wrong) found.push(`${name}: ${value}: ${wrong}`);
    }
  }
  for (const name of ["RateLimit", "RateLimit-Policy"]) {
    const value = answer.headers.get(name);
    try {
      if (value !== null) parseLimits(value);
    } catch (error) {
      found.push(`${name}: ${value}: ${error.message}`);
    }
  }
  const [media] = Object.keys(response.content ?? {});
  const type = answer.headers.get("content-type");
  if (!media) {
    return text || type ? [...found, `a body where none is documented: ${type}`] : found;
  }
  if (type !== media) {
    return [...found, `Content-Type ${type} instead of ${media}`];
  }
  const body = JSON.parse(text);
  const wrong = mismatch(`${pointer}/content/${escape(media)}/schema`, body);
  if (wrong) found.push(wrong);
  if (slug) {
    if (!body.type.endsWith(`/${slug}`)) found.push(`${body.type} instead of ${slug}`);
    if (body.status !== answer.status) found.push(`"status" is ${body.status}`);
    if (body.request_id !== answer.headers.get("x-request-id")) found.push("another request_id");
  }
  return found;
}

/** Every documented problem type of an answer, from its examples. */
function slugs(id, status) {
  const { content } = at(follow(`${operations.get(id).pointer}/responses/${status}`));
  return Object.keys(content?.["application/problem+json"]?.examples ?? {});
}

let failures = 0;

function report(id, status, what, found) {
  for (const fault of found) {
    failures += 1;
    console.error(`${id} ${status} ${what}: ${fault}`);
  }
  return found.length === 0;
}

/** "ok", "FAIL", or "e2e" for what only the e2e tests can provoke. */
async function check(id, status) {
  const request = (await good[id]?.()) ?? {};
  if (OTHER_SETTINGS.has(`${id} ${status}`)) {
    return "e2e";
  }
  if (status < 300) {
    if (request.json) {
      const body = `${operations.get(id).pointer}/requestBody/content/application~1json/schema`;
      const wrong = mismatch(body, request.json);
      if (wrong) return report(id, status, "request", [wrong]) ? "ok" : "FAIL";
    }
    return report(id, status, "", await faults(id, status, null, await send(id, request)))
      ? "ok" : "FAIL";
  }
  const all = slugs(id, status);
  const own = all.filter((slug) => !ROLES.has(slug));
  if (ELSEWHERE.has(status) || (all.length > 0 && own.length === 0)) {
    return "e2e";
  }
  const ways = { ...spoil["*"][status], ...spoil[id]?.[status] };
  let fine = true;
  for (const slug of own) {
    if (!ways[slug]) {
      fine = report(id, status, slug, ["nothing here provokes it"]) && fine;
    }
    for (const way of ways[slug] ?? []) {
      const spoiled = await way(id, (await good[id]?.()) ?? {});
      const answer = await send(id, spoiled);
      fine = report(id, status, slug, await faults(id, status, slug, answer)) && fine;
    }
  }
  return fine ? "ok" : "FAIL";
}

// ---- the walk

const columns = [...new Set([...operations.values()].flatMap((one) => one.statuses))].sort();
const line = (cells) => cells.map((cell, i) => String(cell).padEnd(i ? 5 : 24)).join("").trimEnd();
console.log(line(["operation", ...columns]));
for (const [id, { statuses }] of operations) {
  const cells = [];
  for (const status of columns) {
    cells.push(statuses.includes(status) ? await check(id, status) : ".");
  }
  console.log(line([id, ...cells]));
}
console.log("e2e: provoked and validated by tests/e2e/test_contract.py");
if (failures) {
  console.error(`${failures} answers do not fit the contract`);
  process.exitCode = 1;
}
