import { describe, expect, test } from "bun:test";
import { progressBar } from "./progress.ts";

const megabyte = 1e6;

function terminal(isTTY: boolean) {
  return {
    isTTY,
    columns: 70,
    text: "",
    write(text: string) {
      this.text += text;
    },
  };
}

describe("progressBar", () => {
  test("a terminal's line is redrawn, and stays when all is there", () => {
    const stream = terminal(true);
    let time = 0;
    const { step } = progressBar(stream, { env: {}, now: () => (time += 1000) });
    step({ what: "runtime linux-x64", done: 25 * megabyte, total: 100 * megabyte });
    expect(stream.text).toBe("\r\x1b[Kruntime linux-x64  [######                  ] 25%  25.0 MB of 100.0 M");
    stream.text = "";
    step({ what: "runtime linux-x64", done: 100 * megabyte, total: 100 * megabyte });
    expect(stream.text).toBe("\r\x1b[Kruntime linux-x64  100.0 MB\n");
  });

  test("a terminal is drawn on ten times a second at most", () => {
    const stream = terminal(true);
    let time = 0;
    const { step } = progressBar(stream, { env: {}, now: () => (time += 10) });
    for (let done = 0; done < 30; done++)
      step({ what: "layer", done: done * megabyte, total: 99 * megabyte });
    expect(stream.text.split("\r").length - 1).toBeLessThanOrEqual(6);
    expect(stream.text).not.toBe("");
  });

  test("what is no terminal gets one line when all is there", () => {
    const stream = terminal(false);
    const { step } = progressBar(stream, { env: {} });
    for (const done of [1, 2, 3, 3]) step({ what: "layer", done: done * megabyte, total: 3 * megabyte });
    expect(stream.text).toBe("layer  3.0 MB\n");
  });

  test("what is small is not told", () => {
    const stream = terminal(true);
    const { step } = progressBar(stream, { env: {} });
    step({ what: "layer", done: 500, total: 500 });
    expect(stream.text).toBe("");
  });

  test("what was broken off leaves no line", () => {
    const stream = terminal(true);
    const bar = progressBar(stream, { env: {} });
    bar.step({ what: "layer", done: megabyte * 2 });
    bar[Symbol.dispose]();
    expect(stream.text.endsWith("\r\x1b[K")).toBe(true);
  });
});
