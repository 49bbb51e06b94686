// What every scenario shares. It runs in Node and in a browser: nothing here is of one of them.

/** Differences are told in words; this is the only kind of error that a scenario expects to throw. */
export class Difference extends Error {}

/** An error in words: of the scenario, of a client (the answer that it holds, and where), of a fault. */
function told(error) {
  if (error instanceof Difference || !(error instanceof Error)) return error?.message ?? String(error);
  const answer = error.response && ` ${error.response.status} ${JSON.stringify(error.response.data)}`;
  const at = error.stack?.split("\n").find((line) => line.includes("/scenarios/"))?.trim();
  return `${error.message}${answer ?? ""}${at ? ` (${at})` : ""}`;
}

/** JSON with its keys in order, so that two values can be compared as texts. */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return Object.fromEntries(keys.sort().map((key) => [key, ordered(value[key])]));
}

/** Ends the scenario unless both are the same JSON value. */
export function same(actual, expected, what) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(ordered(value)));
  if (is !== should) throw new Difference(`${what}: ${is}, expected ${should}`);
}

/** Ends the scenario unless the condition holds. */
export function holds(condition, what) {
  if (!condition) throw new Difference(what);
}

/** The steps of one client, told one by one. The first that differs ends it. */
export class Story {
  /**
   * `lrs` has endpoint (no slash at its end), key and secret. `subtle` is the Web Crypto of the
   * place, `uuid` gives a random UUID, `say` tells a line. `goesOn`: the first difference is told,
   * and ends nothing until `end`.
   */
  constructor(client, { lrs, subtle, uuid, say, goesOn = false }) {
    Object.assign(this, { client, lrs, subtle, uuid, say, goesOn, steps: 0, differences: 0 });
  }

  async step(what, act) {
    try {
      await act();
    } catch (error) {
      const difference = new Difference(`${this.client}: ${what}: ${told(error)}`);
      if (!this.goesOn) throw difference;
      this.differences += 1;
      this.say(`DIFFERENT  ${difference.message}`);
      return;
    }
    this.steps += 1;
    this.say(`ok    ${this.client}: ${what}`);
  }

  /** Tells how it ended; a story that went on over differences ends with one, too. */
  end() {
    if (this.differences > 0) throw new Difference(`${this.client}: ${this.differences} differences`);
    this.say(`${this.client}: ${this.steps} steps as they should be`);
  }

  async sha256(bytes) {
    const hash = new Uint8Array(await this.subtle.digest("SHA-256", bytes));
    return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** A request of our own, beside the client: to look at what the client does not show. */
  async raw(method, path, { query = {}, headers = {}, body } = {}) {
    const text = new URLSearchParams(query).toString();
    const answer = await fetch(`${this.lrs.endpoint}/${path}${text && `?${text}`}`, {
      method,
      body,
      headers: {
        Authorization: `Basic ${btoa(`${this.lrs.key}:${this.lrs.secret}`)}`,
        "X-Experience-API-Version": "1.0.3",
        ...headers,
      },
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }
}

/** Waits, so that two times differ by more than the millisecond that clients cut times to. */
export const pause = () => new Promise((resume) => setTimeout(resume, 12));

/** The first whole millisecond after a time of the LRS. */
export function justAfter(stored) {
  return new Date(Date.parse(stored) + 1).toISOString();
}

/** People and activities of one run, which no other run knows. */
export class World {
  constructor(uuid) {
    this.uuid = uuid;
    this.base = `https://example.org/runs/${uuid()}`;
    this.pupil = this.agent("élève-1");
    this.other = this.agent("élève-2");
    this.teacher = this.agent("enseignante");
    this.nobody = this.agent("personne");
    this.answered = this.iri("verbs/répondu");
    this.completed = this.iri("verbs/terminé");
    this.lesson = this.iri("activités/leçon");
    this.exercises = [this.iri("activités/exercice-1"), this.iri("activités/exercice-2")];
    this.registrations = [uuid(), uuid()];
  }

  iri(path) {
    return `${this.base}/${path}`;
  }

  agent(name) {
    return { objectType: "Agent", account: { homePage: this.base, name } };
  }

  activity(id, name) {
    return {
      objectType: "Activity",
      id,
      definition: { name: { "fr-FR": name, "en-US": `${name} (en)` } },
    };
  }

  /** Three statements that each filter tells apart. */
  statements() {
    const { uuid, pupil, other, teacher, answered, completed, lesson, exercises, registrations } = this;
    const verb = (id, display) => ({ id, display: { "fr-FR": display } });
    return [
      {
        id: uuid(),
        actor: { ...pupil, name: "Élève Un" },
        verb: verb(answered, "a répondu à"),
        object: this.activity(exercises[0], "Exercice 1"),
        result: { success: true, score: { scaled: 0.75 }, response: "42", duration: "PT12.4S" },
        context: {
          registration: registrations[0],
          contextActivities: { parent: [{ objectType: "Activity", id: lesson }] },
        },
        timestamp: "2026-03-05T18:42:11.250Z",
      },
      {
        id: uuid(),
        actor: pupil,
        verb: verb(completed, "a terminé"),
        object: this.activity(lesson, "Leçon"),
        context: { registration: registrations[1], instructor: teacher },
        timestamp: "2026-03-05T18:50:00.000Z",
      },
      {
        id: uuid(),
        actor: other,
        verb: verb(answered, "a répondu à"),
        object: this.activity(exercises[1], "Exercice 2"),
        context: { contextActivities: { grouping: [{ objectType: "Activity", id: lesson }] } },
        timestamp: "2026-03-05T18:51:00.000Z",
      },
    ];
  }

  /** A statement without id, which none of the queries below finds. */
  bare() {
    const verb = { id: this.iri("verbs/vu"), display: { "fr-FR": "a vu" } };
    return { actor: this.other, verb, object: this.activity(this.iri("activités/vidéo"), "Vidéo") };
  }

  /**
   * Queries with the places of the statements that answer them. `mark` is a time after the first
   * was stored and before the others were.
   */
  queries(mark) {
    const { pupil, teacher, nobody, answered, lesson, registrations } = this;
    const about = { activity: lesson, related_activities: true };
    return [
      ["by agent", { agent: pupil }, [1, 0]],
      ["by an agent that stands elsewhere", { agent: teacher }, []],
      ["by related agent", { agent: teacher, related_agents: true }, [1]],
      ["by an agent unknown", { agent: nobody }, []],
      ["by verb", { verb: answered }, [2, 0]],
      ["by activity", { activity: lesson }, [1]],
      ["by related activity", about, [2, 1, 0]],
      ["by registration", { registration: registrations[0] }, [0]],
      ["since", { ...about, since: mark }, [2, 1]],
      ["until", { ...about, until: mark }, [0]],
      ["ascending", { ...about, ascending: true }, [0, 1, 2]],
      ["by all of them", { agent: pupil, verb: answered, ...about, until: mark, limit: 5 }, [0]],
    ];
  }
}
