// ADL's older wrapper for Node, adl-xapiwrapper, which its makers have given up for xAPIWrapper.

import { World, holds, justAfter, pause, same } from "../scenarios/story.mjs";
import { library, lrs, tell } from "./place.mjs";

const adl = library("adl-xapiwrapper");

/** The calls as promises; each has a callback (error, answer, body) at its end. */
class Client {
  constructor() {
    const auth = { user: lrs.key, pass: lrs.secret };
    this.wrapper = new adl.XAPIWrapper({ url: `${lrs.endpoint}/`, auth });
  }

  /** The body of an answer with this status, JSON if it is. */
  call(status, method, ...given) {
    return new Promise((done, fail) => {
      this.wrapper[method](...given, (error, answer, body) => {
        if (error || answer.statusCode !== status) {
          fail(new Error(`${method} gave ${error ?? answer.statusCode} ${body}, expected ${status}`));
          return;
        }
        const isJson = answer.headers["content-type"]?.startsWith("application/json");
        done(isJson ? JSON.parse(body) : body);
      });
    });
  }
}

async function statements(story, client, world) {
  const [first, second, third] = world.statements();
  const ids = [first, second, third].map(({ id }) => id);
  const found = ({ statements }) => statements.map(({ id }) => id);
  await story.step("tests its configuration: about, and a first query", async () => {
    const works = await new Promise((done) => client.wrapper.testConfig(done));
    holds(works, "testConfig says no");
  });
  await story.step("sends one statement, the same again, another under its id: 409", async () => {
    same(await client.call(200, "sendStatements", first), [first.id], "its id");
    same(await client.call(200, "sendStatements", first), [first.id], "its id");
    await client.call(409, "sendStatements", { ...first, result: { success: false } });
  });
  await pause();
  await story.step("sends several statements", async () => {
    same(await client.call(200, "sendStatements", [second, third]), [second.id, third.id], "their ids");
  });
  const { stored } = await client.call(200, "getStatements", { statementId: first.id }, null);
  for (const [what, { agent, ...params }, places] of world.queries(justAfter(stored))) {
    await story.step(`queries ${what}`, async () => {
      const query = agent ? { ...params, agent: JSON.stringify(agent) } : params;
      const page = await client.call(200, "getStatements", query, null);
      same(found(page), places.map((place) => ids[place]), JSON.stringify(query));
    });
  }
  await story.step("follows `more` to the end", async () => {
    const query = { activity: world.lesson, related_activities: true, limit: 2 };
    const page = await client.call(200, "getStatements", query, null);
    const next = await client.call(200, "getStatements", null, page.more);
    same([found(page), found(next), next.more], [[third.id, second.id], [first.id], ""], "the pages");
  });
  const one = (query) => client.call(200, "getStatements", query, null);
  await story.step("asks for ids, and for the canonical form", async () => {
    const { object } = await one({ statementId: first.id, format: "ids" });
    holds(!object.definition, `format ids has identifiers only: ${JSON.stringify(object)}`);
    const canonical = await one({ statementId: first.id, format: "canonical" });
    same(Object.keys(canonical.object.definition.name).length, 1, "languages of the canonical form");
  });
  await story.step("voids a statement, which is one to send, and reads the voided one", async () => {
    const [victim] = world.statements();
    await client.call(200, "sendStatements", victim);
    const verb = { id: "http://adlnet.gov/expapi/verbs/voided" };
    const object = { objectType: "StatementRef", id: victim.id };
    await client.call(200, "sendStatements", { actor: world.teacher, verb, object });
    await client.call(404, "getStatements", { statementId: victim.id }, null);
    same((await one({ voidedStatementId: victim.id })).id, victim.id, "the voided statement");
  });
  await story.step("sends an attachment by its address: this client sends no contents", async () => {
    const attachment = {
      usageType: world.iri("usage/copie"),
      display: { "fr-FR": "Copie" },
      contentType: "text/plain",
      length: 4,
      sha2: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    };
    const [sent] = world.statements();
    await client.call(400, "sendStatements", { ...sent, attachments: [attachment] });
    const elsewhere = { ...attachment, fileUrl: world.iri("copie.txt") };
    await client.call(200, "sendStatements", { ...sent, attachments: [elsewhere] });
    same((await one({ statementId: sent.id })).attachments, [elsewhere], "the attachment");
  });
  await story.step("reads an activity's definition, and an agent", async () => {
    const activity = await client.call(200, "getActivities", world.lesson);
    same(activity.definition.name["fr-FR"], "Leçon", "its name");
    const person = await client.call(200, "getAgents", world.pupil);
    same(person.account, [world.pupil.account], "the person's accounts");
  });
}

async function documents(story, client, world) {
  const { lesson, pupil } = world;
  // The wrapper sends a hash as it is given, without the quotes of an ETag.
  const etag = (value) => adl.hash(JSON.stringify(value));
  await story.step("state: sends, gets, merges, If-Match", async () => {
    const send = (status, value, match) =>
      client.call(status, "sendState", lesson, pupil, "marque-page", null, value, match, null);
    await send(204, { page: 3 });
    await send(204, { page: 4 }, etag({ page: 3 }));
    await send(412, { page: 5 }, etag({ page: 3 }));
    await send(204, { page: 4 }, `"${etag({ page: 4 })}"`);
    await send(204, { mot: "où" });
    const read = await client.call(200, "getState", lesson, pupil, "marque-page", null, null);
    same(read, { page: 4, mot: "où" }, "the state");
    same(await client.call(200, "getState", lesson, pupil, null, null, null), ["marque-page"], "the ids");
    await client.call(404, "getState", lesson, pupil, "inconnu", null, null);
    await client.call(412, "sendState", lesson, pupil, "marque-page", null, { page: 5 }, null, "*");
    const later = new Date(Date.now() + 60_000);
    same(await client.call(200, "getState", lesson, pupil, null, null, later), [], "the ids since a later time");
  });
  await story.step("state: one per registration; a list and a text replace", async () => {
    const [registration] = world.registrations;
    const send = (value) =>
      client.call(204, "sendState", lesson, pupil, "marque-page", registration, value, null, null);
    const get = () => client.call(200, "getState", lesson, pupil, "marque-page", registration, null);
    await send([1, 2]);
    same(await get(), [1, 2], "the list");
    await send("du texte");
    same(await get(), "du texte", "the text");
    const other = await client.call(200, "getState", lesson, pupil, "marque-page", null, null);
    same(other, { page: 4, mot: "où" }, "the state without registration");
  });
  for (const [kind, of] of [["ActivityProfile", lesson], ["AgentProfile", pupil]]) {
    await story.step(`${kind}: sends, gets, lists, If-Match`, async () => {
      const send = (status, value, match, none) =>
        client.call(status, `send${kind}`, of, "réglages", value, match, none);
      await send(204, { police: 14 }, null, "*");
      await send(412, { police: 20 }, null, "*");
      await send(204, { police: 16 }, etag({ police: 14 }));
      await send(412, { police: 18 }, etag({ police: 14 }));
      same(await client.call(200, `get${kind}`, of, "réglages", null), { police: 16 }, "the profile");
      const since = new Date(Date.now() - 60_000);
      same(await client.call(200, `get${kind}`, of, null, since), ["réglages"], "the ids");
      const later = new Date(Date.now() + 60_000);
      same(await client.call(200, `get${kind}`, of, null, later), [], "the ids since a later time");
    });
    await story.step(`${kind}: a text without precondition: 409 over one that is there, 400 for a new one`, async () => {
      await client.call(409, `send${kind}`, of, "réglages", "du texte", null, null);
      await client.call(400, `send${kind}`, of, "nouveau", "du texte", null, null);
    });
  }
}

await tell("adl-xapiwrapper in Node", async (story) => {
  const client = new Client();
  const world = new World(story.uuid);
  await statements(story, client, world);
  await documents(story, client, world);
});
