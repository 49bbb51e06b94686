// TinCanJS: every call of `TinCan.LRS`, then the calls of `TinCan` that applications use.

import { World, holds, justAfter, pause, same } from "./story.mjs";

/** `sendsBytes`: in Node, TinCanJS turns a body into text, so that an attachment must be text. */
export async function tincanjs(TinCan, story, { sendsBytes, convertsLongRequests }) {
  const lrs = new TinCan.LRS({
    endpoint: story.lrs.endpoint,
    username: story.lrs.key,
    password: story.lrs.secret,
    allowFail: false,
  });
  const world = new World(story.uuid);
  const client = new Client(TinCan, lrs);
  await about(story, client);
  await statements(TinCan, story, client, world);
  await attachments(TinCan, story, client, world, sendsBytes);
  await documents(TinCan, story, client, world);
  await longRequest(TinCan, story, client, world, convertsLongRequests);
  await throughTinCan(TinCan, story, world);
}

/** The calls as promises. An error of the LRS is told with its status and its words. */
class Client {
  constructor(TinCan, lrs) {
    Object.assign(this, { TinCan, lrs });
  }

  /** Whatever came: `[status or null, result]`. */
  outcome(method, ...given) {
    const configuration = given.pop();
    return new Promise((tell) => {
      const callback = (error, result) => tell([error, result]);
      this.lrs[method](...given, { ...configuration, callback });
    });
  }

  async call(method, ...given) {
    const [error, result] = await this.outcome(method, ...given);
    holds(error === null, `${method} gave ${error}: ${result?.responseText}`);
    return result;
  }

  /** The call is refused with this status. */
  async refused(status, method, ...given) {
    const [error, result] = await this.outcome(method, ...given);
    holds(error === status, `${method} gave ${error} ${result?.responseText}, expected ${status}`);
  }
}

async function about(story, client) {
  await story.step("about", async () => {
    const { version } = await client.call("about", {});
    holds(version.includes("1.0.3"), `the versions are ${version}`);
  });
}

async function statements(TinCan, story, client, world) {
  const [first, second, third] = world.statements();
  const statement = (given) => new TinCan.Statement(given);

  await story.step("saves a statement under its id, and reads it back", async () => {
    await client.call("saveStatement", statement(first), {});
    const read = await client.call("retrieveStatement", first.id, {});
    same(read.result.score.scaled, 0.75, "its score");
    same(read.actor.account.name, "élève-1", "its actor");
    same(read.target.definition.name, first.object.definition.name, "its object");
    holds(read.stored && read.authority, "stored and authority are set");
  });
  await story.step("saves it again: the same", async () => {
    await client.call("saveStatement", statement(first), {});
  });
  await story.step("another one under its id: 409", async () => {
    const other = statement({ ...first, result: { success: false } });
    await client.refused(409, "saveStatement", other, {});
  });
  await pause();
  await story.step("saves several statements at once", async () => {
    const answer = await client.call("saveStatements", [statement(second), statement(third)], {});
    same(JSON.parse(answer.responseText), [second.id, third.id], "their ids");
  });
  await story.step("saves a statement without id and gets one", async () => {
    const bare = new TinCan.Statement(world.bare(), { doStamp: false });
    const answer = await client.call("saveStatement", bare, {});
    const [id] = JSON.parse(answer.responseText);
    const read = await client.call("retrieveStatement", id, {});
    same(read.target.definition.name["fr-FR"], "Vidéo", "its object");
  });
  await queries(TinCan, story, client, world, [first, second, third]);
  await voiding(TinCan, story, client, world);
}

async function queries(TinCan, story, client, world, [first, second, third]) {
  const ids = [first, second, third].map(({ id }) => id);
  const { stored } = await client.call("retrieveStatement", first.id, {});
  const typed = ({ agent, ...rest }) => (agent ? { ...rest, agent: new TinCan.Agent(agent) } : rest);
  for (const [what, params, places] of world.queries(justAfter(stored))) {
    await story.step(`queries ${what}`, async () => {
      const result = await client.call("queryStatements", { params: typed(params) });
      const found = result.statements.map(({ id }) => id);
      same(found, places.map((place) => ids[place]), JSON.stringify(params));
    });
  }
  await story.step("queries by the objects Verb and Activity", async () => {
    const params = { verb: new TinCan.Verb({ id: world.completed }), activity: new TinCan.Activity({ id: world.lesson }) };
    const result = await client.call("queryStatements", { params });
    same(result.statements.map(({ id }) => id), [second.id], "what was found");
  });
  await story.step("follows `more` to the end", async () => {
    const params = { activity: world.lesson, related_activities: true, limit: 2 };
    const page = await client.call("queryStatements", { params });
    same(page.statements.map(({ id }) => id), [third.id, second.id], "the first page");
    const next = await client.call("moreStatements", { url: page.more });
    same(next.statements.map(({ id }) => id), [first.id], "the second page");
    holds(!next.more, `there is no third page: ${next.more}`);
  });
  await story.step("asks for ids, and for the canonical form", async () => {
    const query = async (format) => {
      const params = { registration: world.registrations[0], format };
      const { statements } = await client.call("queryStatements", { params });
      return statements[0];
    };
    const short = await query("ids");
    holds(!short.target.definition?.name, "format ids leaves the definition out");
    holds(!short.actor.name, "format ids leaves the name out");
    const canonical = await query("canonical");
    same(Object.keys(canonical.target.definition.name).length, 1, "languages of the canonical form");
  });
}

async function voiding(TinCan, story, client, world) {
  await story.step("voids a statement and reads the voided one", async () => {
    const [victim] = world.statements();
    await client.call("saveStatement", new TinCan.Statement(victim), {});
    const voiding = new TinCan.Statement({
      actor: world.teacher,
      verb: { id: "http://adlnet.gov/expapi/verbs/voided" },
      target: { objectType: "StatementRef", id: victim.id },
    });
    await client.call("saveStatement", voiding, {});
    await client.refused(404, "retrieveStatement", victim.id, {});
    const read = await client.call("retrieveVoidedStatement", victim.id, {});
    same(read.id, victim.id, "the voided statement");
  });
}

async function attachments(TinCan, story, client, world, sendsBytes) {
  const utf8 = (text) => new TextEncoder().encode(text).buffer;
  const attached = (contents, contentType) => {
    const attachments = contents.map((content, index) => ({
      usageType: world.iri("usage/copie"),
      display: { "fr-FR": `Copie ${index}` },
      contentType,
      content,
    }));
    const [statement] = world.statements();
    return new TinCan.Statement({ ...statement, attachments });
  };
  const bytesOf = (statement) => statement.attachments.map(({ content }) => [...new Uint8Array(content)]);
  const both = async (statement, contents) => {
    const one = await client.call("retrieveStatement", statement.id, { params: { attachments: true } });
    same(bytesOf(one), contents.map((content) => [...new Uint8Array(content)]), "the contents");
    const params = { registration: world.registrations[0], limit: 1, attachments: true };
    const page = await client.call("queryStatements", { params });
    same(bytesOf(page.statements[0]), bytesOf(one), "the contents in a query");
  };
  const text = utf8("Première ligne\r\ndeuxième ligne — ≥ 3\n--pas une limite\r\n");
  await story.step("sends an attachment of text, and reads it back", async () => {
    const statement = attached([text], "text/plain; charset=utf-8");
    await client.call("saveStatement", statement, {});
    await both(statement, [text]);
  });
  const bytes = Uint8Array.from({ length: 4096 }, (_, index) => (index * 31) % 256).buffer;
  if (sendsBytes) {
    await story.step("sends an attachment of bytes, and reads it back", async () => {
      const statement = attached([bytes], "application/octet-stream");
      await client.call("saveStatement", statement, {});
      await both(statement, [bytes]);
    });
  } else {
    await story.step("an attachment of bytes arrives changed by this client, and is refused: 400", async () => {
      await client.refused(400, "saveStatement", attached([bytes], "application/octet-stream"), {});
    });
  }
  await story.step("sends two attachments, and reads them back", async () => {
    const texts = [utf8("la première copie"), utf8("la deuxième copie")];
    const statement = attached(texts, "text/plain");
    await client.call("saveStatement", statement, {});
    await both(statement, texts);
  });
}

async function documents(TinCan, story, client, world) {
  const activity = new TinCan.Activity({ id: world.lesson });
  const agent = new TinCan.Agent(world.pupil);
  const json = "application/json";
  const of = { activity, agent };

  await story.step("state: saves, reads, lists", async () => {
    await client.call("saveState", "marque-page", { page: 3 }, { ...of, contentType: json });
    const read = await client.call("retrieveState", "marque-page", of);
    same(read.contents, { page: 3 }, "the state");
    holds(/^(W\/)?"[^"]+"$/.test(read.etag), `its ETag is ${read.etag}`);
    same(await client.call("retrieveStateIds", of), ["marque-page"], "the ids");
    same(await client.call("retrieveStateIds", { ...of, since: new Date(Date.now() + 60_000).toISOString() }), [], "the ids since a later time");
  });
  await story.step("state: text as it is, and its type", async () => {
    await client.call("saveState", "brouillon", "où ?\n", { ...of, contentType: "text/plain; charset=utf-8" });
    const read = await client.call("retrieveState", "brouillon", of);
    // A browser writes the name of the charset in capitals before it sends it.
    same([read.contents, read.contentType.toLowerCase()], ["où ?\n", "text/plain; charset=utf-8"], "the state");
  });
  await story.step("state: If-Match with the ETag of now passes, of before is 412", async () => {
    const { etag } = await client.call("retrieveState", "marque-page", of);
    const saving = { ...of, contentType: json, lastSHA1: etag };
    await client.call("saveState", "marque-page", { page: 4 }, saving);
    await client.refused(412, "saveState", "marque-page", { page: 5 }, saving);
    same((await client.call("retrieveState", "marque-page", of)).contents, { page: 4 }, "the state");
  });
  await story.step("state: POST merges", async () => {
    await client.call("saveState", "marque-page", { mot: "où" }, { ...of, contentType: json, method: "POST" });
    same((await client.call("retrieveState", "marque-page", of)).contents, { page: 4, mot: "où" }, "the state");
  });
  await story.step("state: one per registration", async () => {
    const registered = { ...of, registration: world.registrations[0] };
    await client.call("saveState", "marque-page", { page: 9 }, { ...registered, contentType: json });
    same((await client.call("retrieveState", "marque-page", registered)).contents, { page: 9 }, "the registration's");
    same((await client.call("retrieveState", "marque-page", of)).contents, { page: 4, mot: "où" }, "the other");
  });
  await story.step("state: drops one, then all", async () => {
    await client.call("dropState", "brouillon", of);
    same(await client.call("retrieveState", "brouillon", of), null, "the dropped state");
    await client.call("dropState", null, of);
    same(await client.call("retrieveStateIds", of), [], "the ids");
  });
  await profiles(story, client, "ActivityProfile", { activity });
  await profiles(story, client, "AgentProfile", { agent });
  await story.step("reads an activity's definition", async () => {
    const read = await client.call("retrieveActivity", world.lesson, {});
    same(read.definition.name, { "fr-FR": "Leçon", "en-US": "Leçon (en)" }, "its name");
  });
}

/** The two kinds of profiles have the same calls. */
async function profiles(story, client, kind, of) {
  const json = { ...of, contentType: "application/json" };
  await story.step(`${kind}: saves, reads, lists`, async () => {
    await client.call(`save${kind}`, "réglages", { police: 14 }, json);
    const read = await client.call(`retrieve${kind}`, "réglages", of);
    same(read.contents, { police: 14 }, "the profile");
    same(await client.call(`retrieve${kind}Ids`, of), ["réglages"], "the ids");
    const since = new Date(Date.now() + 60_000).toISOString();
    same(await client.call(`retrieve${kind}Ids`, { ...of, since }), [], "the ids since a later time");
    same(await client.call(`retrieve${kind}`, "inconnu", of), null, "a profile that is not there");
  });
  await story.step(`${kind}: a new one over one that is there: 412`, async () => {
    // Without an ETag this client sends If-None-Match: *.
    await client.refused(412, `save${kind}`, "réglages", { police: 20 }, json);
  });
  await story.step(`${kind}: If-Match with the ETag of now passes, of before is 412`, async () => {
    const { etag } = await client.call(`retrieve${kind}`, "réglages", of);
    await client.call(`save${kind}`, "réglages", { police: 16 }, { ...json, lastSHA1: etag });
    await client.refused(412, `save${kind}`, "réglages", { police: 18 }, { ...json, lastSHA1: etag });
  });
  await story.step(`${kind}: POST merges`, async () => {
    const { etag } = await client.call(`retrieve${kind}`, "réglages", of);
    await client.call(`save${kind}`, "réglages", { dys: true }, { ...json, method: "POST", lastSHA1: etag });
    same((await client.call(`retrieve${kind}`, "réglages", of)).contents, { police: 16, dys: true }, "the profile");
  });
  await story.step(`${kind}: drops one`, async () => {
    await client.call(`drop${kind}`, "réglages", of);
    same(await client.call(`retrieve${kind}`, "réglages", of), null, "the dropped profile");
  });
}

/** A request longer than 2,048 characters goes as a form, by the alternate request syntax. */
async function longRequest(TinCan, story, client, world, converts) {
  const syntax = converts ? "by the alternate request syntax" : "as it is";
  await story.step(`a request with a long address, ${syntax}`, async () => {
    const of = {
      activity: new TinCan.Activity({ id: world.lesson }),
      agent: new TinCan.Agent({ ...world.pupil, name: "É".repeat(600) }),
    };
    const key = "long & + % é";
    await client.call("saveState", key, { page: 1, mot: "a&b=c+d é" }, { ...of, contentType: "application/json" });
    const read = await client.call("retrieveState", key, of);
    same(read.contents, { page: 1, mot: "a&b=c+d é" }, "the state");
    await client.call("dropState", key, of);
    same(await client.call("retrieveState", key, of), null, "the dropped state");
  });
}

/** `TinCan` itself: what an application with one learner and one activity calls. */
async function throughTinCan(TinCan, story, world) {
  const { endpoint, key, secret } = story.lrs;
  const registration = world.uuid();
  const tincan = new TinCan({
    recordStores: [{ endpoint, username: key, password: secret, allowFail: false }],
    actor: world.agent("élève-3"),
    activity: { id: world.iri("activités/seule") },
    registration,
    context: { registration },
  });
  const call = (method, ...given) =>
    new Promise((done, fail) => {
      tincan[method](...given, (results, result) => {
        // Statements come back as a list of what each record store said, the rest as one.
        const { err, xhr } = Array.isArray(results) ? results[0] : { err: results, xhr: result };
        if (err === null) done(xhr);
        else fail(new Error(`${method} gave ${err}: ${xhr?.responseText}`));
      });
    });
  const stated = (method, ...given) =>
    new Promise((done, fail) => {
      const configuration = given.pop();
      const callback = (err, result) => (err === null ? done(result) : fail(new Error(`${method} gave ${err}`)));
      tincan[method](...given, { ...configuration, callback });
    });
  const verb = { id: world.completed };
  await story.step("TinCan: sends, finds, voids", async () => {
    const id = world.uuid();
    await call("sendStatement", { id, verb });
    const { statements } = await stated("getStatements", { sendActor: true, sendActivity: true, params: { verb } });
    same(statements.map((found) => found.id), [id], "what was found");
    const by = { actor: new TinCan.Agent(world.teacher) };
    await new Promise((done, fail) => {
      const told = ([{ err }]) => (err === null ? done() : fail(new Error(`voidStatement gave ${err}`)));
      tincan.voidStatement(id, told, by);
    });
    const voided = await new Promise((done) => tincan.getVoidedStatement(id, (_, found) => done(found)));
    same(voided.id, id, "the voided statement");
  });
  await story.step("TinCan: sends several, reads one", async () => {
    const ids = [world.uuid(), world.uuid()];
    await call("sendStatements", ids.map((id) => ({ id, verb })));
    const read = await new Promise((done, fail) => {
      const told = (err, found) => (err === null ? done(found) : fail(new Error(`getStatement gave ${err}`)));
      tincan.getStatement(ids[1], told);
    });
    same(read.id, ids[1], "the statement");
  });
  await story.step("TinCan: state and profiles of its learner", async () => {
    const json = { contentType: "application/json" };
    await stated("setState", "où", { page: 1 }, json);
    same((await stated("getState", "où", {})).contents, { page: 1 }, "the state");
    await stated("setActivityProfile", "barème", { points: 20 }, json);
    same((await stated("getActivityProfile", "barème", {})).contents, { points: 20 }, "the activity profile");
    await stated("setAgentProfile", "réglages", { police: 14 }, json);
    same((await stated("getAgentProfile", "réglages", {})).contents, { police: 14 }, "the agent profile");
    for (const [kind, key] of [["State", "où"], ["ActivityProfile", "barème"], ["AgentProfile", "réglages"]]) {
      await stated(`delete${kind}`, key, {});
      same(await stated(`get${kind}`, key, {}), null, `the deleted ${kind}`);
    }
  });
}
