// SPDX-License-Identifier: Apache-2.0
// Is openapi.json the bundle of openapi.yaml? The module is built from the bundle.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "authsvc-bundle-"));
try {
  const fresh = join(scratch, "openapi.json");
  execFileSync(join(here, "node_modules/.bin/redocly"), ["bundle", "openapi.yaml", "--output", fresh], {
    cwd: here,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  });
  if (readFileSync(fresh, "utf8") !== readFileSync(join(here, "openapi.json"), "utf8")) {
    console.error("openapi.json is not the bundle of openapi.yaml: run `npm run bundle`");
    process.exitCode = 1;
  } else {
    console.log("openapi.json is the bundle of openapi.yaml");
  }
} finally {
  rmSync(scratch, { recursive: true });
}
