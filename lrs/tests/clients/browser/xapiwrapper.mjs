// xAPIWrapper in a page.

import { xapiwrapper } from "../scenarios/xapiwrapper.mjs";
import { page } from "./page.mjs";

page("xAPIWrapper in Chromium", (story) => xapiwrapper(window.ADL, story));
