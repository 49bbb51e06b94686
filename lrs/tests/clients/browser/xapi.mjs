// @xapi/xapi in a page, through both of its adapters.

import { xapi } from "../scenarios/xapi.mjs";
import { page } from "./page.mjs";

page("@xapi/xapi in Chromium", async (story) => {
  await xapi(window.XAPI, story, { adapter: "axios", attaches: true });
  await xapi(window.XAPI, story, { adapter: "fetch", attaches: true });
});
