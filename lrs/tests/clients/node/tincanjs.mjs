// TinCanJS in Node.

import { tincanjs } from "../scenarios/tincanjs.mjs";
import { library, tell } from "./place.mjs";

const TinCan = library("tincanjs");
await tell("TinCanJS in Node", (story) =>
  tincanjs(TinCan, story, { sendsBytes: false, convertsLongRequests: false }),
);
