/* biome-ignore-all lint/suspicious/noExplicitAny: what a page is made of has no types here */
/** What every page must be for people who do not see it, or see it badly; evaluated within the page. */
import type { Page } from "./browser.ts";

/** Each fault as a line; none: all is well. */
export function accessibilityFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const all = (selector: string): any[] => [...(globalThis as any).document.querySelectorAll(selector)];
    const view: any = globalThis;
    const { document } = view;
    const named = (element: any): string =>
      (
        element.getAttribute("aria-label") ??
        element.labels?.[0]?.textContent ??
        element.textContent ??
        ""
      ).trim();
    for (const input of all("input, select, textarea"))
      if (!(input.getAttribute("aria-label") || input.labels?.[0]?.textContent.trim()))
        faults.push(`no label: ${input.outerHTML.slice(0, 120)}`);
    for (const control of all("button, a"))
      if (named(control) === "") faults.push(`no name: ${control.outerHTML}`);
    for (const table of all("table")) {
      if (!table.caption) faults.push("a table without a caption");
      if ([...table.querySelectorAll("thead th")].some((cell: any) => cell.scope !== "col"))
        faults.push("a head cell without its scope");
    }
    const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
    if (levels.filter((level) => level === 1).length !== 1) faults.push(`not one h1: ${levels}`);
    levels.forEach((level, at) => {
      if (level > (levels[at - 1] ?? 0) + 1) faults.push(`headings out of order: ${levels}`);
    });
    for (const landmark of ["header", "main", "nav[aria-label]"])
      if (all(landmark).length === 0) faults.push(`no ${landmark}`);
    if (all("main").length !== 1) faults.push("not one main");
    if (document.documentElement.lang === "") faults.push("no language");
    if (document.title === "") faults.push("no title");
    const ids = all("[id]").map(({ id }) => id);
    if (new Set(ids).size !== ids.length) faults.push("an id is used twice");
    if (all("script:not([src]), [style*=expression], [onclick], [onload]").length > 0)
      faults.push("inline script");
    // WCAG's contrast of text against what is behind it
    const parse = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = ([r = 0, g = 0, b = 0]: number[]): number => {
      const [x, y, z] = [r, g, b].map((part) => {
        const one = part / 255;
        return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * x! + 0.7152 * y! + 0.0722 * z!;
    };
    const behind = (element: any): number[] => {
      for (let one = element; one; one = one.parentElement) {
        const color = parse(view.getComputedStyle(one).backgroundColor);
        if ((color[3] ?? 1) > 0.5 && color.length >= 3) return color;
      }
      return [255, 255, 255];
    };
    for (const element of all("body *")) {
      const own = [...element.childNodes].some(
        (node: any) => node.nodeType === 3 && node.textContent.trim() !== "",
      );
      if (
        !own ||
        element.disabled ||
        element.closest(".sr, template, option, script") ||
        element.offsetParent === null
      )
        continue;
      const [a, b] = [luminance(parse(view.getComputedStyle(element).color)), luminance(behind(element))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 100)}`);
    }
    return [...new Set(faults)];
  });
}
