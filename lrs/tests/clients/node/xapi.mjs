// @xapi/xapi in Node, through both of its adapters.

import { xapi } from "../scenarios/xapi.mjs";
import { library, tell } from "./place.mjs";

const loaded = library("@xapi/xapi");
const XAPI = loaded.default ?? loaded;
await tell("@xapi/xapi in Node, axios", (story) => xapi(XAPI, story, { adapter: "axios", attaches: false }));
await tell("@xapi/xapi in Node, fetch", (story) => xapi(XAPI, story, { adapter: "fetch", attaches: true }));
