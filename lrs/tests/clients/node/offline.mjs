// An application that was without network: it sends everything at once, loses the answer, sends it
// again; it sends without waiting, and compressed.

import { createHash, randomUUID } from "node:crypto";
import zlib from "node:zlib";
import { World, holds, same } from "../scenarios/story.mjs";
import { library, tell } from "./place.mjs";
import { cutOff, inTurn, loseTheAnswer, once, pipelined, request } from "./wire.mjs";

const { decompress: unzstd } = library("fzstd");

/** Statements that an application may hold back. */
const MANY = 5_000;

const JSON_BODY = { "Content-Type": "application/json" };

const query = (parameters) => new URLSearchParams(parameters).toString();

/** So many statements about one activity. */
function answers(world, count) {
  const [first] = world.statements();
  return Array.from({ length: count }, (_, index) => ({
    ...first,
    id: randomUUID(),
    result: { success: index % 3 > 0, duration: `PT${index % 60}.5S` },
    timestamp: new Date(Date.UTC(2026, 2, 5, 8) + index * 1_000).toISOString(),
  }));
}

function success(answer) {
  holds(answer.status === 200, `${answer.status}: ${answer.body.toString().slice(0, 500)}`);
  return JSON.parse(answer.body);
}

/** Every id about an activity, page by page. */
async function stored(activity) {
  const ids = [];
  let path = `statements?${query({ activity, limit: 500 })}`;
  while (path) {
    const { statements, more } = success(await once("GET", path));
    ids.push(...statements.map(({ id }) => id));
    path = more && more.slice(more.indexOf("statements"));
  }
  return ids;
}

async function manyAtOnce(story) {
  const world = new World(randomUUID);
  const statements = answers(world, MANY);
  const ids = statements.map(({ id }) => id);
  const [activity] = world.exercises;
  const bytes = request("POST", "statements", { headers: JSON_BODY, body: JSON.stringify(statements) });

  await story.step(`${MANY} statements, cut off in the middle: none is stored`, async () => {
    await cutOff(bytes, 0.6);
    same(await stored(activity), [], "what is stored");
  });
  await story.step(`${MANY} statements, the answer lost: all are stored`, async () => {
    await loseTheAnswer(bytes);
    same((await stored(activity)).length, MANY, "how many are stored");
  });
  await story.step(`the same ${MANY} again: the same answer, each stored once`, async () => {
    const [answer] = await pipelined([bytes]);
    same(success(answer), ids, "the ids");
    same((await stored(activity)).sort(), [...ids].sort(), "what is stored");
  });
  await story.step("again with one changed: 409, and nothing new is stored", async () => {
    const [extra] = answers(world, 1);
    const changed = [extra, ...statements.slice(0, 99), { ...statements[99], actor: world.other }];
    const answer = await once("POST", "statements", { headers: JSON_BODY, body: JSON.stringify(changed) });
    same(answer.status, 409, "the status");
    same(JSON.parse(answer.body).pointer, "/100/id", "the place that is told");
    same((await stored(activity)).length, MANY, "how many are stored");
  });
}

async function withoutWaiting(story) {
  const world = new World(randomUUID);
  const statements = answers(world, 40);
  await story.step("40 posts on one connection before the first answer: each has its own", async () => {
    const requests = statements.map((statement) =>
      request("POST", "statements", { headers: JSON_BODY, body: JSON.stringify(statement) }),
    );
    const told = (await pipelined(requests)).map(success);
    same(told, statements.map(({ id }) => [id]), "the ids in their order");
  });
  await story.step("what comes after a refused one on the same connection is answered", async () => {
    const [first, second] = answers(world, 2);
    const post = (body) => request("POST", "statements", { headers: JSON_BODY, body });
    const path = `statements?${query({ statementId: second.id })}`;
    const requests = [post("{"), post(JSON.stringify({ ...first, verb: 1 })), post(JSON.stringify(second)), request("GET", path)];
    const told = await pipelined(requests);
    same(told.map(({ status }) => status), [400, 400, 200, 200], "the statuses");
    same(success(told[3]).id, second.id, "the statement read behind its own post");
  });
}

/** zstd's frame format with blocks as they are: for a Node without zstd. */
function zstdFrame(bytes) {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 5);
  const parts = [head];
  const most = 128 * 1024;
  for (let at = 0; at < bytes.length || at === 0; at += most) {
    const block = bytes.subarray(at, at + most);
    const isLast = at + most >= bytes.length ? 1 : 0;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | isLast, 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}

async function compressed(story) {
  const world = new World(randomUUID);
  const [activity] = world.exercises;
  const encodings = { gzip: zlib.gzipSync, zstd: zlib.zstdCompressSync ?? zstdFrame };
  for (const [encoding, encode] of Object.entries(encodings)) {
    await story.step(`a body in ${encoding}`, async () => {
      const statements = answers(world, 300);
      const body = encode(Buffer.from(JSON.stringify(statements)));
      const headers = { ...JSON_BODY, "Content-Encoding": encoding };
      same(success(await once("POST", "statements", { headers, body })), statements.map(({ id }) => id), "the ids");
    });
    await story.step(`a body that is no ${encoding}: 400`, async () => {
      const headers = { ...JSON_BODY, "Content-Encoding": encoding };
      same((await once("POST", "statements", { headers, body: "[]" })).status, 400, "the status");
    });
  }
  await story.step("a small body that grows beyond the limit: 413", async () => {
    const body = zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    const headers = { ...JSON_BODY, "Content-Encoding": "gzip" };
    same((await once("POST", "statements", { headers, body })).status, 413, "the status");
  });
  const path = `statements?${query({ activity, limit: 200, ascending: true })}`;
  const plain = await once("GET", path, { headers: { "Accept-Encoding": "identity" } });
  const decoders = { gzip: zlib.gunzipSync, zstd: unzstd };
  for (const [encoding, decode] of Object.entries(decoders)) {
    await story.step(`an answer in ${encoding}`, async () => {
      const answer = await once("GET", path, { headers: { "Accept-Encoding": encoding } });
      same(answer.headers["content-encoding"], encoding, "its encoding");
      holds(answer.body.length < plain.body.length / 3, `${answer.body.length} of ${plain.body.length} bytes`);
      same(JSON.parse(Buffer.from(decode(answer.body))), JSON.parse(plain.body), "what it says");
    });
  }
  await story.step("an ETag tells the encodings of a document apart, and If-Match takes them", async () => {
    const of = query({ activityId: world.lesson, agent: JSON.stringify(world.pupil), stateId: "brouillon" });
    const state = `activities/state?${of}`;
    const draft = JSON.stringify({ text: "encore et encore ".repeat(400) });
    same((await once("PUT", state, { headers: JSON_BODY, body: draft })).status, 204, "the status of PUT");
    const read = (encoding) => once("GET", state, { headers: { "Accept-Encoding": encoding } });
    const [bare, gzip, zstd] = [await read("identity"), await read("gzip"), await read("zstd")];
    same(bare.headers.etag, `"${createHash("sha1").update(draft).digest("hex")}"`, "the ETag as it is");
    same([gzip.headers["content-encoding"], zstd.headers["content-encoding"]], ["gzip", "zstd"], "the encodings");
    holds(gzip.headers.etag !== bare.headers.etag, "the ETag of the answer in gzip is another one");
    for (const { headers } of [gzip, zstd, bare]) {
      // The same content each time: its ETags stay what they are.
      const put = await once("PUT", state, { headers: { ...JSON_BODY, "If-Match": headers.etag }, body: draft });
      same(put.status, 204, `the status of PUT with If-Match: ${headers.etag}`);
    }
    const stale = { ...JSON_BODY, "If-Match": `"${"0".repeat(40)}"` };
    same((await once("PUT", state, { headers: stale, body: draft })).status, 412, "the status with another");
  });
}

async function heads(story) {
  const world = new World(randomUUID);
  const statements = world.statements();
  success(await once("POST", "statements", { headers: JSON_BODY, body: JSON.stringify(statements) }));
  const of = query({ activityId: world.lesson, agent: JSON.stringify(world.pupil), stateId: "page" });
  await once("PUT", `activities/state?${of}`, { headers: JSON_BODY, body: '{"page":1}' });
  for (const [status, path] of [
    [200, `statements?${query({ statementId: statements[0].id })}`],
    [200, `statements?${query({ activity: world.lesson })}`],
    [404, `statements?${query({ statementId: randomUUID() })}`],
    [200, `activities/state?${of}`],
    [200, `activities?${query({ activityId: world.lesson })}`],
    [200, `agents?${query({ agent: JSON.stringify(world.pupil) })}`],
    [200, "about"],
  ]) {
    await story.step(`HEAD ${path.split("?")[0]}, ${status}: what GET says, without its body`, async () => {
      const [head, get] = await inTurn([["HEAD", path], ["GET", path]]);
      same([head.status, get.status], [status, status], "the statuses of HEAD and GET");
      for (const name of ["content-type", "etag", "last-modified", "x-experience-api-version"]) {
        same(head.headers[name], get.headers[name], name);
      }
      holds(get.body.length > 0, "GET has a body");
      holds(get.headers["x-experience-api-consistent-through"], "Consistent-Through is told");
    });
  }
}

await tell("an application without network", async (story) => {
  await manyAtOnce(story);
  await withoutWaiting(story);
  await compressed(story);
  await heads(story);
});
