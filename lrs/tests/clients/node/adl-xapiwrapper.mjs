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
    });
  }
}

await tell("adl-xapiwrapper in Node", async (story) => {
  const client = new Client();
  const world = new World(story.uuid);
  await statements(story, client, world);
  await documents(story, client, world);
});
