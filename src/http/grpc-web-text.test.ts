import { expect, test } from "bun:test";
import { fromText, fromTextStream, toText } from "./grpc-web-text.ts";

const read = (text: string): string => fromText(Buffer.from(text)).toString("latin1");

async function readStream(...chunks: string[]): Promise<string> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
      controller.close();
    },
  });
  return Buffer.concat(await Array.fromAsync(fromTextStream(body))).toString("latin1");
}

test("pieces are padded each by itself", async () => {
  expect(Buffer.from(toText(Buffer.from([0, 255]))).toString()).toBe("AP8=");
  for (const [text, bytes] of [
    ["", ""],
    ["YWJj", "abc"],
    ["YQ==YmM=", "abc"],
    ["YWI=Yw==YWJjYQ==", "abcabca"],
    ["+/+/AA==", "\xfb\xff\xbf\0"],
  ] as const) {
    expect(read(text)).toBe(bytes);
    expect(await readStream(...text)).toBe(bytes);
    expect(await readStream(text.slice(0, 5), text.slice(5))).toBe(bytes);
  }
});

test("what is not base64 is refused", async () => {
  const long = "A".repeat(100);
  for (const text of [
    "A",
    "YQ",
    "YQ=",
    "YQ==Y",
    "Y===",
    "====",
    "=AAA",
    "Y=Q=",
    "YQ=a",
    "YW*j",
    "YW j\n",
    `${long}*AAA`,
  ]) {
    expect(() => read(text), text).toThrow("not base64");
    expect(await readStream(text).catch(({ code }) => code), text).toBe("invalid_argument");
  }
});
