// ADL's xAPIWrapper, which runs in a browser alone: every call of `ADL.XAPIWrapper`.

import { World, holds, justAfter, pause, same } from "./story.mjs";

export async function xapiwrapper(ADL, story) {
  const { endpoint, key, secret } = story.lrs;
  const wrapper = ADL.XAPIWrapper;
  wrapper.changeConfig({ endpoint: `${endpoint}/`, user: key, password: secret, strictCallbacks: true });
  const client = new Client(wrapper);
  const world = new World(story.uuid);
  await statements(ADL, story, client, world);
  await attachments(story, client, world);
  await state(story, client, world);
  await profiles(story, client, "ActivityProfile", world.lesson);
  await profiles(story, client, "AgentProfile", world.pupil);
  await others(ADL, story, client, world);
}

/** The calls as promises; each has a callback after its arguments. */
class Client {
  constructor(wrapper) {
    this.wrapper = wrapper;
  }

  outcome(method, given, after = []) {
    return new Promise((tell) => {
      const callback = (error, xhr, body) => tell({ error, xhr, body });
      const called = this.wrapper[method](...given, callback, ...after);
      if (called === false) tell({ error: new Error("the wrapper did not send it"), xhr: {} });
    });
  }

  async call(method, given, after) {
    const { error, xhr, body } = await this.outcome(method, given, after);
    holds(!error, `${method} gave ${xhr.status}: ${xhr.responseText}`);
    return { xhr, body };
  }

  async refused(status, method, given, after) {
    const { xhr } = await this.outcome(method, given, after);
    holds(xhr.status === status, `${method} gave ${xhr.status} ${xhr.responseText}, expected ${status}`);
  }
}

async function statements(ADL, story, client, world) {
  const [first, second, third] = world.statements();
  const read = async (query) => (await client.call("getStatements", [query, null])).body;

  await story.step("sends a statement and reads it back", async () => {
    const { xhr } = await client.call("sendStatement", [first]);
    same(JSON.parse(xhr.responseText), [first.id], "its id");
    same((await read({ statementId: first.id })).object, first.object, "its object");
  });
  await story.step("sends it again: the same; another one under its id: 409", async () => {
    await client.call("sendStatement", [first]);
    await client.refused(409, "sendStatement", [{ ...first, result: { success: false } }]);
  });
  await pause();
  await story.step("sends several statements at once", async () => {
    const { body } = await client.call("sendStatements", [[second, third]]);
    same(body, [second.id, third.id], "their ids");
  });
  await story.step("sends a statement of its own making, and waits for the answer", async () => {
    const made = new ADL.XAPIStatement(
      new ADL.XAPIStatement.Agent("mailto:eleve@example.org", "Élève"),
      new ADL.XAPIStatement.Verb(world.iri("verbs/ouvert"), "a ouvert"),
      new ADL.XAPIStatement.Activity(world.iri("activités/atelier"), "Atelier"),
    );
    // Without a callback the call blocks the page until the answer is there.
    const { xhr, id } = client.wrapper.sendStatement(made);
    same([xhr.status, JSON.parse(xhr.responseText)], [200, [id]], "the answer");
    const found = client.wrapper.getStatements({ activity: world.iri("activités/atelier") });
    same(found.statements.map((one) => one.id), [id], "what was found");
  });
  await queries(story, client, world, [first, second, third], read);
  await story.step("voids a statement and reads the voided one", async () => {
    const [victim] = world.statements();
    await client.call("sendStatement", [victim]);
    const reference = new ADL.XAPIStatement.StatementRef(victim.id);
    const voiding = { actor: world.teacher, verb: { id: ADL.verbs.voided.id }, object: reference };
    await client.call("sendStatement", [voiding]);
    await client.refused(404, "getStatements", [{ statementId: victim.id }, null]);
    same((await read({ voidedStatementId: victim.id })).id, victim.id, "the voided statement");
  });
}

async function queries(story, client, world, [first, second, third], read) {
  const ids = [first, second, third].map(({ id }) => id);
  const mark = justAfter((await read({ statementId: first.id })).stored);
  const found = ({ statements }) => statements.map(({ id }) => id);
  for (const [what, { agent, ...params }, places] of world.queries(mark)) {
    await story.step(`queries ${what}`, async () => {
      const query = { ...client.wrapper.searchParams(), ...params };
      if (agent) query.agent = JSON.stringify(agent);
      same(found(await read(query)), places.map((place) => ids[place]), JSON.stringify(query));
    });
  }
  await story.step("follows `more` to the end", async () => {
    const page = await read({ activity: world.lesson, related_activities: true, limit: 2 });
    same(found(page), [third.id, second.id], "the first page");
    const { body } = await client.call("getStatements", [null, page.more]);
    same(found(body), [first.id], "the second page");
    holds(!body.more, `there is no third page: ${body.more}`);
  });
  await story.step("asks for ids, and for the canonical form", async () => {
    const { object } = await read({ statementId: first.id, format: "ids" });
    holds(!object.definition, `format ids has identifiers only: ${JSON.stringify(object)}`);
    const canonical = await read({ statementId: first.id, format: "canonical" });
    same(Object.keys(canonical.object.definition.name).length, 1, "languages of the canonical form");
  });
}

async function attachments(story, client, world) {
  const attached = (value) => ({
    type: { usageType: world.iri("usage/copie"), display: { "fr-FR": "Copie" }, contentType: "text/plain; charset=utf-8" },
    value,
  });
  // This client hands the parts of an answer on as they are.
  const parts = async (id) => {
    const { xhr } = await client.call("getStatements", [{ statementId: id, attachments: true }, null]);
    const boundary = /boundary="?([^";]+)/.exec(xhr.getResponseHeader("Content-Type"))[1];
    return xhr.responseText.split(`--${boundary}`).slice(1, -1);
  };
  for (const [what, texts] of [
    ["an attachment", ["Une ligne — ≥ 3"]],
    ["two attachments", ["la première", "la deuxième"]],
  ]) {
    await story.step(`sends ${what}, and reads back`, async () => {
      const [statement] = world.statements();
      await client.call("sendStatement", [statement], [texts.map(attached)]);
      const [json, ...contents] = await parts(statement.id);
      holds(json.includes(statement.id), `the first part is the statement: ${json}`);
      same(contents.map((part) => part.split("\r\n\r\n")[1].replace(/\r\n$/, "")), texts, "the contents");
    });
  }
}

async function state(story, client, world) {
  const { lesson, pupil, registrations } = world;
  const get = (id, registration = null) => client.call("getState", [lesson, pupil, id, registration, null]);
  const send = (value, { match = null, none = null, registration = null } = {}) => [
    lesson, pupil, "marque-page", registration, value, match, none,
  ];
  await story.step("state: sends, gets, lists", async () => {
    await client.call("sendState", send({ page: 3 }));
    same((await get("marque-page")).body, { page: 3 }, "the state");
    same((await get(null)).body, ["marque-page"], "the ids");
    const later = new Date(Date.now() + 60_000);
    same((await client.call("getState", [lesson, pupil, null, null, later])).body, [], "the ids since a later time");
  });
  await story.step("state: the hash of what is stored is its ETag", async () => {
    const match = client.wrapper.hash(JSON.stringify({ page: 3 }));
    await client.call("sendState", send({ page: 4 }, { match }));
    await client.refused(412, "sendState", send({ page: 5 }, { match }));
    await client.refused(412, "sendState", send({ page: 5 }, { none: "*" }));
    same((await get("marque-page")).body, { page: 4 }, "the state");
  });
  await story.step("state: an object is merged, a list and a text replace", async () => {
    await client.call("sendState", send({ mot: "où" }));
    same((await get("marque-page")).body, { page: 4, mot: "où" }, "the state");
    await client.call("sendState", send([1, 2]));
    same((await get("marque-page")).body, [1, 2], "the list");
    await client.call("sendState", send("du texte"));
    same((await get("marque-page")).xhr.responseText, "du texte", "the text");
  });
  await story.step("state: one per registration; deletes", async () => {
    await client.call("sendState", send({ page: 9 }, { registration: registrations[0] }));
    same((await get("marque-page", registrations[0])).body, { page: 9 }, "the registration's");
    await client.call("deleteState", [lesson, pupil, "marque-page", registrations[0], null, null]);
    same((await get("marque-page", registrations[0])).xhr.status, 404, "the deleted state");
    same((await get("marque-page")).xhr.responseText, "du texte", "the other");
  });
}

/** The two kinds of profiles have the same calls. */
async function profiles(story, client, kind, of) {
  const get = (id) => client.call(`get${kind}`, [of, id, null]);
  const send = (value, match = null, none = null) => [of, "réglages", value, match, none];
  const { hash } = client.wrapper;
  await story.step(`${kind}: sends a new one, gets, lists`, async () => {
    await client.call(`send${kind}`, send({ police: 14 }, null, "*"));
    same((await get("réglages")).body, { police: 14 }, "the profile");
    same((await get(null)).body, ["réglages"], "the ids");
    const later = new Date(Date.now() + 60_000);
    same((await client.call(`get${kind}`, [of, null, later])).body, [], "the ids since a later time");
    await client.refused(412, `send${kind}`, send({ police: 20 }, null, "*"));
  });
  await story.step(`${kind}: the hash of what is stored is its ETag`, async () => {
    const match = hash(JSON.stringify({ police: 14 }));
    await client.call(`send${kind}`, send({ police: 16 }, match));
    await client.refused(412, `send${kind}`, send({ police: 18 }, match));
    same((await get("réglages")).body, { police: 16 }, "the profile");
  });
  await story.step(`${kind}: a text without precondition: 409 over one that is there, 400 for a new one`, async () => {
    await client.refused(409, `send${kind}`, send("du texte"));
    await client.refused(400, `send${kind}`, [of, "nouveau", "du texte", null, null]);
  });
  await story.step(`${kind}: deletes`, async () => {
    await client.refused(412, `delete${kind}`, [of, "réglages", hash("autre chose"), null]);
    await client.call(`delete${kind}`, [of, "réglages", null, null]);
    same((await get("réglages")).xhr.status, 404, "the deleted profile");
  });
}

async function others(ADL, story, client, world) {
  await story.step("reads an activity's definition", async () => {
    const { body } = await client.call("getActivities", [world.lesson]);
    same(body.definition.name, { "fr-FR": "Leçon", "en-US": "Leçon (en)" }, "its name");
  });
  await story.step("reads what is known of an agent", async () => {
    const { body } = await client.call("getAgents", [world.pupil]);
    same([body.objectType, body.account], ["Person", [world.pupil.account]], "the person");
  });
  await story.step("about: the wrapper's own version is spoken", async () => {
    const { xapiVersion, lrs } = client.wrapper;
    const answer = await new Promise((done) => {
      ADL.XHR_request(lrs, `${lrs.endpoint}about`, "GET", null, null, (_, xhr) => done(xhr), null, false, null, false, true);
    });
    const { version } = JSON.parse(answer.responseText);
    holds(version.includes(xapiVersion), `the versions are ${version}, without ${xapiVersion}`);
  });
}
