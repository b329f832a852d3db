import { MicrorunError } from "../errors.ts";
import { memorySource } from "./memory.ts";
import { sourceContract } from "./source.contract.ts";

sourceContract("memory", async (values) => {
  const source = memorySource("memory:", values);
  return {
    source,
    async set(next) {
      source.set(next);
      source.fail(undefined);
    },
    async spoil() {
      source.fail(new MicrorunError("unavailable", "not there"));
    },
    async [Symbol.asyncDispose]() {},
  };
});
