// SPDX-License-Identifier: Apache-2.0
//
// node follow-keys.mjs JWKS_URL ISSUER AUDIENCE MILLISECONDS
//
// Verify access tokens as a server does that runs for long: it fetches the keys again when they are
// older than MILLISECONDS, and never because of a token, so that it knows a key only if that was
// published in time. One token a line on standard input; for each, one line of JSON: {"kid"}, or
// {"kid", "error"} with jose's reason.
import { createInterface } from "node:readline";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

const [jwksUrl, issuer, audience, milliseconds] = process.argv.slice(2);
if (!milliseconds) {
  console.error("usage: node follow-keys.mjs JWKS_URL ISSUER AUDIENCE MILLISECONDS");
  process.exit(2);
}
const keys = createRemoteJWKSet(new URL(jwksUrl), {
  cacheMaxAge: Number(milliseconds),
  cooldownDuration: 3_600_000,
});
for await (const token of createInterface({ input: process.stdin })) {
  const seen = {};
  try {
    seen.kid = decodeProtectedHeader(token).kid;
    await jwtVerify(token, keys, { issuer, audience });
  } catch (error) {
    seen.error = `${error.code ?? error.name}: ${error.message}`;
  }
  console.log(JSON.stringify(seen));
}
