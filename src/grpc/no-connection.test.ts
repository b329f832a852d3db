import { expect, test } from "bun:test";
import { shortened } from "./no-connection.ts";

const framed = (cause: string): string =>
  `No connection established. Last error: ${cause}. Resolution note: none`;

test("what a call failed by is told in few words, without the time of grpc-js", () => {
  expect(shortened("anything else")).toEqual({ message: "anything else" });
  expect(shortened("No connection established").message).toBe("cannot connect: no answer");
  expect(shortened(framed("Error: connect ECONNREFUSED 127.0.0.1:1")).message).toBe(
    "cannot connect: connection refused",
  );
  expect(shortened(framed("socket is odd (2026-11-21T15:16:48.636Z)")).message).toBe(
    "cannot connect: socket is odd",
  );
});
