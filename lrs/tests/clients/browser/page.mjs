// What the pages share. `run.mjs` gives `lrs`, `goesOn` and the functions `say` and `done`.

import { Story, same } from "../scenarios/story.mjs";

/** Tells a story in this page; `run.mjs` starts it. */
export function page(client, scenario) {
  window.begin = async ({ lrs, goesOn }) => {
    const place = { lrs, goesOn, subtle: crypto.subtle, uuid: () => crypto.randomUUID(), say: window.say };
    const story = new Story(client, place);
    await crossed(story);
    await scenario(story);
    story.end();
  };
}

/** The page has another origin than the LRS, and may read what an xAPI client needs. */
async function crossed(story) {
  await story.step("the LRS has another origin and lets the page read its headers", async () => {
    const { endpoint, key, secret } = story.lrs;
    if (new URL(endpoint).origin === location.origin) throw new Error("the page has the LRS's origin");
    const answer = await fetch(`${endpoint}/statements?limit=1`, {
      headers: { Authorization: `Basic ${btoa(`${key}:${secret}`)}`, "X-Experience-API-Version": "1.0.3" },
    });
    for (const name of ["X-Experience-API-Version", "X-Experience-API-Consistent-Through"]) {
      if (!answer.headers.get(name)) throw new Error(`${name} cannot be read`);
    }
  });
  await story.step("the page can read why it is refused", async () => {
    const refused = await fetch(`${story.lrs.endpoint}/statements?limit=1`, {
      headers: { Authorization: `Basic ${btoa("nobody:nothing")}`, "X-Experience-API-Version": "1.0.3" },
    });
    same([refused.status, (await refused.json()).code], [401, "unauthorized"], "the answer");
  });
}
