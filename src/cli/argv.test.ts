import { describe, expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { readArgv } from "./argv.ts";

const read = (line: string) => readArgv(line.split(" ").filter((word) => word !== ""));
const flags = (line: string) => Object.fromEntries(read(line).given);

describe("readArgv", () => {
  test("a line without a command's name means run", () => {
    for (const line of ["./x.ts --server_name=a", "run ./x.ts --server_name=a", "--server_name a ./x.ts"]) {
      const { command, words, given } = read(line);
      expect([command.name, words, given.get("server_name")]).toEqual(["run", ["./x.ts"], ["a"]]);
    }
  });

  test("names may be written with hyphens, underscores or one dash", () => {
    for (const line of [
      "--server_address=:1",
      "--server-address=:1",
      "-server_address :1",
      "--server-address :1",
    ]) {
      expect(flags(`${line} ./x.ts`), line).toEqual({ server_address: [":1"] });
    }
  });

  test("a letter stands for the flag of the command that was named", () => {
    for (const line of ["build ./x.ts -o out", "build -o=out ./x.ts"]) {
      expect([read(line).words, flags(line)], line).toEqual([["./x.ts"], { output: ["out"] }]);
    }
    expect(() => read("build ./x.ts -o")).toThrow("--output: needs a value");
    expect(() => read("build ./x.ts -z")).toThrow("unknown flag -z");
  });

  test("a repeated flag keeps all that was said", () => {
    expect(flags("./x.ts --server_metadata a=1 --server-metadata=b=2")).toEqual({
      server_metadata: ["a=1", "b=2"],
    });
  });

  test("a switch takes no word, and may be negated", () => {
    expect(read("--watch ./x.ts").words).toEqual(["./x.ts"]);
    expect(flags("./x.ts --no-watch")).toEqual({ watch: ["false"] });
    expect(flags("./x.ts --watch=false")).toEqual({ watch: ["false"] });
  });

  test("what follows -- is left alone", () => {
    const { words, rest, given } = read("./job.ts -- --server_name=x -- y");
    expect([words, rest, given.size]).toEqual([["./job.ts"], ["--server_name=x", "--", "y"], 0]);
  });

  test("a command's name after a module is a word", () => {
    expect(read("./x.ts probe").words).toEqual(["./x.ts", "probe"]);
    expect(read("run probe").words).toEqual(["probe"]);
    expect(read("run run").words).toEqual(["run"]);
  });

  test("help and version are asked for anywhere before --", () => {
    expect(read("./x.ts --help").wants).toBe("help");
    expect(read("-v").wants).toBe("version");
    expect(read("./x.ts -- --help").wants).toBeUndefined();
  });

  test.each([
    ["./x.ts --server_adress=:1", "unknown flag --server_adress: did you mean --server_address?"],
    ["./x.ts --server-adress :1", "unknown flag --server_adress: did you mean --server_address?"],
    ["./x.ts --quite_else", "unknown flag --quite_else"],
    ["./x.ts --constructor=1 --__proto__=2", "unknown flag --constructor"],
    ["./x.ts --no-server_address", "unknown flag --no_server_address: only a switch can be negated"],
    ["./x.ts --server_address", "--server_address: needs a value"],
    ["./x.ts --server_address --watch", "--server_address: needs a value"],
    ["./x.ts --server_address=", "--server_address: needs a value"],
    ["./x.ts --store=redis", "--store: has no meaning in microrun"],
    ["./x.ts --auth_token=x", "--auth_token: has no meaning in microrun"],
    ["probe --selector=static", "--selector: not a flag of microrun probe"],
    ["rnu ./x.ts", "unknown command rnu, did you mean run?"],
    ["heath --server_name=x", "unknown command heath, did you mean health?"],
    ["nonsense", "unknown command nonsense"],
  ])("%p is refused", (line, message) => {
    expect(() => read(line)).toThrow(new MicrorunError("invalid_argument", message));
  });
});
