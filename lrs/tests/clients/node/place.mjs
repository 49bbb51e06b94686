// What the scripts for Node share: the LRS and the libraries, from the environment.

import { randomUUID, webcrypto } from "node:crypto";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { Story } from "../scenarios/story.mjs";

function variable(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: docs/api/clients.md says what it is`);
    process.exit(2);
  }
  return value;
}

/** The LRS: endpoint (no slash at its end), key, secret. */
export const lrs = {
  endpoint: variable("XAPI_ENDPOINT").replace(/\/$/, ""),
  key: variable("XAPI_KEY"),
  secret: variable("XAPI_SECRET"),
};

/** The folder in which `npm ci` was run: it is kept outside of the clone. */
export const modules = resolve(variable("XAPI_CLIENTS_MODULES"));

/** Loads a library of package.json. */
export const library = createRequire(join(modules, "package.json"));

/** Whether a script goes on after a difference, to tell them all. */
export const goesOn = process.env.XAPI_CLIENTS_GO_ON === "1";

/** Tells a story to its end; a difference is told on stderr and ends the process with 1. */
export async function tell(client, scenario) {
  const place = { lrs, subtle: webcrypto.subtle, uuid: randomUUID, say: console.log, goesOn };
  const story = new Story(client, place);
  try {
    await scenario(story);
    story.end();
  } catch (error) {
    console.error(`DIFFERENT  ${error.message}`);
    process.exitCode = 1;
  }
}
