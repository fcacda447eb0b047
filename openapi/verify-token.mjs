// SPDX-License-Identifier: Apache-2.0
//
// node verify-token.mjs JWKS_URL ISSUER AUDIENCE [TOKEN]
//
// Verify an access token as another server would: keys from the URL, issuer and audience as given.
// The token is read from standard input unless it is an argument. Prints {"header", "claims"} as
// JSON; exit status 1 and jose's reason on standard error if the token is refused.
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [jwksUrl, issuer, audience, given] = process.argv.slice(2);
if (!jwksUrl || !issuer || !audience) {
  console.error("usage: node verify-token.mjs JWKS_URL ISSUER AUDIENCE [TOKEN]");
  process.exit(2);
}
const token = (given ?? readFileSync(0, "utf8")).trim();
try {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience,
    requiredClaims: ["exp", "iat", "nbf", "sub", "jti"],
  });
  console.log(JSON.stringify({ header: protectedHeader, claims: payload }));
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exitCode = 1;
}
