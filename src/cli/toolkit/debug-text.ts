/** What instances answered, as Go Micro's tool prints it (micro v0.22, `micro health`, `micro stats`), and as data. */
import { yamlText } from "../../yaml.ts";
import { jsonText, plain } from "../command/output.ts";
import { byVersion } from "../registry/service-text.ts";
import type { Answer } from "./debug-peers.ts";

export interface Report<T> {
  /** Headings, from the third column on. */
  readonly columns: readonly string[];
  readonly cells: (reply: T) => readonly string[];
  /** Of one who answered. */
  readonly data: (reply: T) => object;
}

/** @param output as the flag says @returns the text to print */
export function answersText<T>(
  service: string,
  answers: readonly Answer<T>[],
  { columns, cells, data }: Report<T>,
  output: string | undefined,
): string {
  const of = new Map(answers.map((answer) => [answer.instance, answer]));
  const versions = byVersion([...of.keys()]);
  if (output === "json" || output === "yaml") {
    const all = versions.flat().map((instance) => objectOf(of.get(instance)!, data));
    return output === "json" ? jsonText(all) : yamlText(all);
  }
  const lines = [`service  ${plain(service)}`];
  for (const group of versions) {
    const { version } = group[0]!;
    if (version !== "") lines.push(`\nversion ${plain(version)}`);
    lines.push(`\nnode\t\taddress:port\t\t${columns.join("\t")}`);
    for (const instance of group) {
      const { error, reply } = of.get(instance)!;
      const told = reply === undefined ? [error?.message ?? ""] : cells(reply);
      lines.push(`${plain(instance.id)}\t\t${plain(instance.address)}\t\t${told.map(plain).join("\t")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function objectOf<T>({ instance, error, reply }: Answer<T>, data: (reply: T) => object): object {
  const { service, version, id, address } = instance;
  const told = reply === undefined ? { error: { code: error?.code, message: error?.message } } : data(reply);
  return { service, version, id, address, ...told };
}
