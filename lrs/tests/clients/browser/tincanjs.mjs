// TinCanJS in a page.

import { tincanjs } from "../scenarios/tincanjs.mjs";
import { page } from "./page.mjs";

page("TinCanJS in Chromium", (story) =>
  tincanjs(window.TinCan, story, { sendsBytes: true, convertsLongRequests: true }),
);
