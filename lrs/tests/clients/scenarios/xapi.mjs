// @xapi/xapi: every call of its class `XAPI`, through one of its two adapters.

import { World, holds, justAfter, pause, same } from "./story.mjs";

/** `attaches`: its axios adapter in Node writes another Content-Type over that of attachments. */
export async function xapi(XAPI, story, { adapter, attaches }) {
  const { endpoint, key, secret } = story.lrs;
  const client = new XAPI({ endpoint, auth: XAPI.toBasicAuth(key, secret), adapter });
  const world = new World(story.uuid);
  await about(story, client);
  await statements(story, client, world);
  await attachments(XAPI, story, client, world, attaches);
  await state(story, client, world);
  await profiles(story, client, "ActivityProfile", { activityId: world.lesson });
  await profiles(story, client, "AgentProfile", { agent: world.pupil });
  await others(story, client, world);
}

/** The call is refused with this status: axios tells the answer, the other adapter its text. */
async function refused(status, call) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    const got = error.response?.data ?? JSON.parse(error.message);
    holds([status].flat().includes(got.status), `refused with ${JSON.stringify(got)}, expected ${status}`);
    return;
  }
  holds(false, `accepted with ${answer.status}, expected ${status}`);
}

async function about(story, client) {
  await story.step("about", async () => {
    const { data } = await client.getAbout();
    holds(data.version.includes("1.0.3"), `the versions are ${data.version}`);
  });
}

async function statements(story, client, world) {
  const [first, second, third] = world.statements();
  await story.step("sends a statement and reads it back", async () => {
    same((await client.sendStatement({ statement: first })).data, [first.id], "its id");
    const { data, headers } = await client.getStatement({ statementId: first.id });
    const { id, actor, verb, object, result, context } = data;
    same({ id, actor, verb, object, result, context, timestamp: first.timestamp }, first, "what was sent");
    holds(data.stored && data.authority, "stored and authority are set");
    same(headers["x-experience-api-version"], "1.0.3", "the version of the answer");
    holds(headers["x-experience-api-consistent-through"], "Consistent-Through can be read");
  });
  await story.step("sends it again: the same; another one under its id: 409", async () => {
    same((await client.sendStatement({ statement: first })).data, [first.id], "its id");
    await refused(409, () => client.sendStatement({ statement: { ...first, result: { success: false } } }));
  });
  await pause();
  await story.step("sends several statements at once", async () => {
    const { data } = await client.sendStatements({ statements: [second, third] });
    same(data, [second.id, third.id], "their ids");
  });
  await story.step("sends a statement without id and gets one", async () => {
    const bare = world.bare();
    const [id] = (await client.sendStatement({ statement: bare })).data;
    same((await client.getStatement({ statementId: id })).data.object, bare.object, "its object");
  });
  await queries(story, client, world, [first, second, third]);
  await story.step("voids one statement, and several", async () => {
    const victims = [0, 1, 2].map(() => world.statements()[0]);
    await client.sendStatements({ statements: victims });
    const [one, ...rest] = victims.map(({ id }) => id);
    await client.voidStatement({ actor: world.teacher, statementId: one });
    await client.voidStatements({ actor: world.teacher, statementIds: rest });
    for (const id of [one, ...rest]) {
      await refused(404, () => client.getStatement({ statementId: id }));
      same((await client.getVoidedStatement({ voidedStatementId: id })).data.id, id, "the voided statement");
    }
  });
  await story.step("a statement that is none: 400 with the place and the rule", async () => {
    await refused(400, () => client.sendStatement({ statement: { ...first, verb: undefined } }));
  });
}

async function queries(story, client, world, [first, second, third]) {
  const ids = [first, second, third].map(({ id }) => id);
  const { stored } = (await client.getStatement({ statementId: first.id })).data;
  const found = (answer) => answer.data.statements.map(({ id }) => id);
  for (const [what, params, places] of world.queries(justAfter(stored))) {
    await story.step(`queries ${what}`, async () => {
      const answer = await client.getStatements(params);
      same(found(answer), places.map((place) => ids[place]), JSON.stringify(params));
    });
  }
  await story.step("follows `more` to the end", async () => {
    const page = await client.getStatements({ activity: world.lesson, related_activities: true, limit: 2 });
    same(found(page), [third.id, second.id], "the first page");
    const next = await client.getMoreStatements({ more: page.data.more });
    same(found(next), [first.id], "the second page");
    holds(!next.data.more, `there is no third page: ${next.data.more}`);
  });
  await story.step("asks for ids, and for the canonical form", async () => {
    const query = async (format) =>
      (await client.getStatement({ statementId: first.id, format })).data;
    const { actor, object } = await query("ids");
    holds(!actor.name && !object.definition, `format ids has identifiers only: ${JSON.stringify(object)}`);
    const canonical = await query("canonical");
    same(Object.keys(canonical.object.definition.name).length, 1, "languages of the canonical form");
  });
}

async function attachments(XAPI, story, client, world, attaches) {
  const utf8 = (text) => new TextEncoder().encode(text).buffer;
  // This client reads a part as its last line of text: one line it is.
  const attached = async (texts) => {
    const attachments = [];
    for (const text of texts) {
      attachments.push({
        usageType: XAPI.AttachmentUsages.SUPPORTING_MEDIA,
        display: { "fr-FR": "Copie" },
        contentType: "text/plain; charset=utf-8",
        length: utf8(text).byteLength,
        sha2: await story.sha256(utf8(text)),
      });
    }
    return { ...world.statements()[0], attachments };
  };
  const text = "Une ligne — ≥ 3";
  if (!attaches) {
    await story.step("attachments leave this adapter under another Content-Type, and are refused: 4xx", async () => {
      const statement = await attached([text]);
      await refused([400, 415], () => client.sendStatement({ statement, attachments: [utf8(text)] }));
    });
    return;
  }
  const send = async (texts) => {
    const statement = await attached(texts);
    await client.sendStatement({ statement, attachments: texts.map(utf8) });
    const one = await client.getStatement({ statementId: statement.id, attachments: true });
    same([one.data[0].id, ...one.data.slice(1)], [statement.id, ...texts], "the parts");
    const page = await client.getStatements({ registration: world.registrations[0], attachments: true, limit: 1 });
    same([page.data[0].statements[0].id, ...page.data.slice(1)], [statement.id, ...texts], "the parts of a query");
  };
  await story.step("sends an attachment, and reads it back", () => send([text]));
  await story.step("sends two attachments, and reads them back", () => send(["la première", "la deuxième"]));
  await story.step("sends several statements with attachments", async () => {
    const statements = [await attached(["un"]), await attached(["deux"])];
    await client.sendStatements({ statements, attachments: ["un", "deux"].map(utf8) });
    const read = await client.getStatement({ statementId: statements[1].id, attachments: true });
    same(read.data[1], "deux", "the second one's");
  });
}

async function state(story, client, world) {
  const of = { agent: world.pupil, activityId: world.lesson };
  const page = { ...of, stateId: "marque-page" };
  await story.step("state: sets, gets, lists", async () => {
    await client.setState({ ...page, state: { page: 3 } });
    const { data, headers } = await client.getState(page);
    same(data, { page: 3 }, "the state");
    holds(headers.etag && headers["last-modified"], "ETag and Last-Modified can be read");
    same((await client.getStates(of)).data, ["marque-page"], "the ids");
    const later = new Date(Date.now() + 60_000).toISOString();
    same((await client.getStates({ ...of, since: later })).data, [], "the ids since a later time");
  });
  await story.step("state: text as it is", async () => {
    const draft = { ...of, stateId: "brouillon" };
    await client.setState({ ...draft, state: "où ?", contentType: "text/plain; charset=utf-8" });
    const { data, headers } = await client.getState(draft);
    // A browser writes the name of the charset in capitals before it sends it.
    same([data, headers["content-type"].toLowerCase()], ["où ?", "text/plain; charset=utf-8"], "the state");
    await client.deleteState(draft);
    await refused(404, () => client.getState(draft));
  });
  await story.step("state: If-Match with the ETag of now passes, of before is 412", async () => {
    const { etag } = (await client.getState(page)).headers;
    await client.setState({ ...page, state: { page: 4 }, etag, matchHeader: "If-Match" });
    await refused(412, () => client.setState({ ...page, state: { page: 5 }, etag, matchHeader: "If-Match" }));
    await refused(412, () => client.setState({ ...page, state: { page: 5 }, etag: "*", matchHeader: "If-None-Match" }));
    await refused(412, () => client.deleteState({ ...page, etag }));
    same((await client.getState(page)).data, { page: 4 }, "the state");
  });
  await story.step("state: the ETag of a long one, compressed on its way, passes", async () => {
    const long = { ...of, stateId: "cahier" };
    await client.setState({ ...long, state: { text: "encore et encore ".repeat(500) } });
    const { etag } = (await client.getState(long)).headers;
    await client.setState({ ...long, state: { text: "fin" }, etag, matchHeader: "If-Match" });
    await refused(412, () => client.setState({ ...long, state: {}, etag, matchHeader: "If-Match" }));
    await client.deleteState(long);
  });
  await story.step("state: createState merges", async () => {
    await client.createState({ ...page, state: { mot: "où" } });
    same((await client.getState(page)).data, { page: 4, mot: "où" }, "the state");
  });
  await story.step("state: one per registration; deletes all", async () => {
    const registration = world.registrations[0];
    await client.setState({ ...page, registration, state: { page: 9 } });
    same((await client.getStates({ ...of, registration })).data, ["marque-page"], "the registration's ids");
    await client.deleteStates({ ...of, registration });
    same((await client.getStates({ ...of, registration })).data, [], "the registration's ids");
    same((await client.getState(page)).data, { page: 4, mot: "où" }, "the state without registration");
    await client.deleteStates(of);
    same((await client.getStates(of)).data, [], "the ids");
  });
}

/** The two kinds of profiles have the same calls. */
async function profiles(story, client, kind, of) {
  const one = { ...of, profileId: "réglages" };
  const get = () => client[`get${kind}`](one);
  const set = (profile, matchHeader, etag) => client[`set${kind}`]({ ...one, profile, etag, matchHeader });
  await story.step(`${kind}: sets a new one, gets, lists`, async () => {
    await set({ police: 14 }, "If-None-Match", "*");
    same((await get()).data, { police: 14 }, "the profile");
    same((await client[`get${kind}s`](of)).data, ["réglages"], "the ids");
    const since = new Date(Date.now() + 60_000).toISOString();
    same((await client[`get${kind}s`]({ ...of, since })).data, [], "the ids since a later time");
    await refused(412, () => set({ police: 20 }, "If-None-Match", "*"));
  });
  await story.step(`${kind}: If-Match with the ETag of now passes, of before is 412`, async () => {
    const { etag } = (await get()).headers;
    await set({ police: 16 }, "If-Match", etag);
    await refused(412, () => set({ police: 18 }, "If-Match", etag));
    same((await get()).data, { police: 16 }, "the profile");
  });
  await story.step(`${kind}: create makes one, and merges`, async () => {
    await client[`create${kind}`]({ ...of, profileId: "autre", profile: { a: 1 } });
    await client[`create${kind}`]({ ...of, profileId: "autre", profile: { b: 2 } });
    same((await client[`get${kind}`]({ ...of, profileId: "autre" })).data, { a: 1, b: 2 }, "the profile");
    same([...(await client[`get${kind}s`](of)).data].sort(), ["autre", "réglages"], "the ids");
  });
  await story.step(`${kind}: deletes with the ETag of now`, async () => {
    await refused(412, () => client[`delete${kind}`]({ ...one, etag: '"0000000000000000000000000000000000000000"' }));
    const { etag } = (await get()).headers;
    await client[`delete${kind}`]({ ...one, etag });
    await refused(404, get);
  });
}

async function others(story, client, world) {
  await story.step("reads an activity's definition", async () => {
    const { data } = await client.getActivity({ activityId: world.lesson });
    same(data.definition.name, { "fr-FR": "Leçon", "en-US": "Leçon (en)" }, "its name");
  });
  await story.step("reads what is known of an agent", async () => {
    const { data } = await client.getAgent({ agent: world.pupil });
    same([data.objectType, data.account], ["Person", [world.pupil.account]], "the person");
  });
  await story.step("a cache buster is a parameter that xAPI does not know: 400", async () => {
    await refused(400, () => client.getStatements({ limit: 1, useCacheBuster: true }));
  });
}
