/** Files that pages load, part of the program. */

import uplotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplotLicence from "uplot/LICENSE" with { type: "text" };
import callScript from "./assets/call.client.js" with { type: "text" };
import chartsScript from "./assets/charts.client.js" with { type: "text" };
import script from "./assets/dashboard.client.js" with { type: "text" };
import style from "./assets/dashboard.css" with { type: "text" };
import formScript from "./assets/form.client.js" with { type: "text" };
import listsScript from "./assets/lists.client.js" with { type: "text" };
import themeScript from "./assets/theme.client.js" with { type: "text" };

export interface Asset {
  readonly type: string;
  readonly text: string;
}

const scriptAsset = (text: string): Asset => ({ type: "text/javascript; charset=utf-8", text });
const styleAsset = (text: string): Asset => ({ type: "text/css; charset=utf-8", text });

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0f766e"/><path d="M3 11V5l3 4 3-4v6M11 11h2" fill="none" stroke="#fff" stroke-width="1.6" stroke-linejoin="round"/></svg>';

/** By the last part of the path. */
export const assets: ReadonlyMap<string, Asset> = new Map([
  ["dashboard.js", scriptAsset(script)],
  ["call.js", scriptAsset(callScript)],
  ["charts.js", scriptAsset(chartsScript)],
  ["form.js", scriptAsset(formScript)],
  ["lists.js", scriptAsset(listsScript)],
  ["theme.js", scriptAsset(themeScript)],
  ["dashboard.css", styleAsset(style)],
  ["uplot.js", scriptAsset(`/*!\n${uplotLicence}*/\n${uplotScript}`)],
  ["uplot.css", styleAsset(uplotStyle)],
  ["icon.svg", { type: "image/svg+xml", text: icon }],
]);
