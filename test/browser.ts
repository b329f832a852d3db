/** A headless Chromium for the tests of pages: what is installed, never one that is downloaded. */
import { existsSync } from "node:fs";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

export type { Browser, Page } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const path = process.env.CHROMIUM_BIN ?? places.find((place) => existsSync(place));

/** Under CI there must be one. */
export const hasBrowser: boolean = path !== undefined || process.env.CI !== undefined;
if (!hasBrowser)
  console.warn("no chromium: pages are not tested (apt-get install chromium, or set CHROMIUM_BIN)");

/** @param more words of its command line */
export function openBrowser(...more: readonly string[]): Promise<Browser> {
  if (path === undefined) throw new Error("no chromium: apt-get install chromium");
  // the tests may run as root
  return chromium.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...more],
  });
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong in the page: errors of scripts, refused loads, dialogs. */
  readonly wrongs: readonly string[];
}

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const wrongs: string[] = [];
  page.on("pageerror", ({ message }) => wrongs.push(message));
  page.on("console", (line) => {
    if (line.type() === "error" || line.type() === "warning") wrongs.push(line.text());
  });
  page.on("dialog", (dialog) => {
    wrongs.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, context, wrongs, [Symbol.asyncDispose]: () => context.close() };
}
