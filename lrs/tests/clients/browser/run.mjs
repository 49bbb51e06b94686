// Opens the page of a client in Chromium: node run.mjs tincanjs|xapi|xapiwrapper
//
// The page is served at XAPI_PAGE_ORIGIN, which the LRS must allow (`http.cors_origins`).

import { createServer } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { goesOn, library, lrs, modules } from "../node/place.mjs";

/** Longest time of a story, in milliseconds. */
const TOLD_WITHIN = 90_000;

/** Chromium without whatever it does of its own accord. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript" };

/** Serves the files of this folder's parent, and under /modules/ the libraries. */
function serve(origin) {
  const own = fileURLToPath(new URL("..", import.meta.url));
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, origin).pathname));
    const file = path.startsWith("/modules/")
      ? join(modules, "node_modules", path.slice("/modules/".length))
      : join(own, path);
    try {
      const text = await readFile(file);
      response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
      response.end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
  const { hostname, port } = new URL(origin);
  return new Promise((ready, fail) => {
    server.once("error", fail);
    server.listen(Number(port), hostname, () => ready(server));
  });
}

/** Counts the preflights that Chromium sends to the LRS. */
async function preflights(context, page) {
  const session = await context.newCDPSession(page);
  const seen = { count: 0 };
  session.on("Network.requestWillBeSent", ({ request }) => {
    // The clients send no OPTIONS of their own.
    if (request.method === "OPTIONS" && request.url.startsWith(lrs.endpoint)) seen.count += 1;
  });
  await session.send("Network.enable");
  return seen;
}

async function told(context, origin, client) {
  const page = await context.newPage();
  const seen = await preflights(context, page);
  page.on("pageerror", (error) => console.error(`the page failed: ${error.message}`));
  await page.exposeFunction("say", (line) => console.log(line));
  await page.goto(`${origin}/browser/${client}.html`);
  await page.waitForFunction(() => typeof window.begin === "function", null, { timeout: 10_000 });
  let waiting;
  const late = new Promise((_, fail) => {
    waiting = setTimeout(() => fail(new Error(`not told within ${TOLD_WITHIN} ms`)), TOLD_WITHIN);
  });
  try {
    await Promise.race([page.evaluate((given) => window.begin(given), { lrs, goesOn }), late]);
  } finally {
    clearTimeout(waiting);
  }
  if (seen.count === 0) throw new Error("Chromium sent no preflight: nothing crossed origins");
  console.log(`ok    ${client}: ${seen.count} preflights`);
}

/** A page of an origin that is not allowed reads nothing. */
async function strangerIsRefused(context) {
  const server = await serve("http://127.0.0.1:0");
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/browser/page.mjs`);
    const read = await page.evaluate(
      (endpoint) => fetch(`${endpoint}/about`).then(({ status }) => status, (error) => error.name),
      lrs.endpoint,
    );
    if (read !== "TypeError") throw new Error(`a page of another origin could read: ${read}`);
    console.log("ok    a page of an origin that is not allowed reads nothing");
  } finally {
    server.close();
  }
}

async function main([client]) {
  const origin = process.env.XAPI_PAGE_ORIGIN;
  if (!client || !origin) throw new Error("usage: XAPI_PAGE_ORIGIN=http://127.0.0.1:PORT node run.mjs CLIENT");
  const { chromium } = library("playwright-core");
  const profile = await mkdtemp(join(tmpdir(), "sillage-chromium-"));
  const server = await serve(origin);
  const executablePath = process.env.XAPI_CLIENTS_CHROMIUM ?? "/usr/bin/chromium";
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: FLAGS });
  try {
    await strangerIsRefused(context);
    await told(context, origin, client);
  } finally {
    await context.close();
    server.close();
    server.closeAllConnections?.();
    await rm(profile, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // What was thrown in the page comes with the page's stack: its first line says it all.
  console.error(`DIFFERENT  ${error.message.split("\n")[0].replace("page.evaluate: Difference: ", "")}`);
  process.exitCode = 1;
}
