// SPDX-License-Identifier: Apache-2.0
//
// node rate-limit-fields.mjs FIELD...
//
// Read RateLimit and RateLimit-Policy fields (draft-ietf-httpapi-ratelimit-headers) as the Lists of
// Strings with Parameters that they are (RFC 9651), by an implementation that is not ours. Prints
// each as JSON, a line each: [["name", {"r": 5, "t": 12}], ...].
import { pathToFileURL } from "node:url";
import { parseList } from "structured-headers";

export function parseLimits(field) {
  return parseList(field).map(([name, parameters]) => {
    const numbers = [...parameters.values()];
    if (typeof name !== "string" || !numbers.every((number) => Number.isInteger(number) && number >= 0)) {
      throw new Error(`not a list of limits: ${field}`);
    }
    return [name, Object.fromEntries(parameters)];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const field of process.argv.slice(2)) {
    console.log(JSON.stringify(parseLimits(field)));
  }
}
