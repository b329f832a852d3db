/** Two machines of network namespaces on one wire, 10.99.0.1 and 10.99.0.2. */
import { readFileSync } from "node:fs";

/** Two machines on one wire, ours and that of Go, which multicast goes by as it is their default route. */
export interface Network extends Disposable {
  ours(command: readonly string[]): string[];
  theirs(command: readonly string[]): string[];
}

/** Or why there can be none. */
export function openNetwork(): Network | string {
  if (process.platform !== "linux") return "network namespaces are of Linux";
  const missing = ["unshare", "nsenter", "ip"].find((tool) => Bun.which(tool) === null);
  if (missing !== undefined) return `there is no ${missing} in PATH`;
  const machines = [1, 2].map(() =>
    Bun.spawn(["unshare", "--net", "sleep", "3600"], { stdio: ["ignore", "ignore", "ignore"] }),
  );
  const [ours, theirs] = machines.map(({ pid }) => (command: readonly string[]) => [
    "nsenter",
    `--net=/proc/${pid}/ns/net`,
    "--",
    ...command,
  ]);
  const network = {
    ours: ours!,
    theirs: theirs!,
    [Symbol.dispose]: () => {
      for (const machine of machines) machine.kill("SIGKILL");
    },
  };
  const up = (host: string) =>
    `ip link set lo up && ip addr add ${host}/24 dev wire && ip link set wire up && ip route add default dev wire`;
  // Until unshare has run sleep, the process is in this machine's own network.
  for (const { pid } of machines)
    while (!readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("sleep")) Bun.sleepSync(1);
  for (const command of [
    ours!([
      "ip",
      "link",
      "add",
      "wire",
      "type",
      "veth",
      "peer",
      "name",
      "wire",
      "netns",
      `${machines[1]!.pid}`,
    ]),
    ours!(["sh", "-c", up("10.99.0.1")]),
    theirs!(["sh", "-c", up("10.99.0.2")]),
  ]) {
    const { success, stderr } = Bun.spawnSync(command);
    if (success) continue;
    network[Symbol.dispose]();
    return `no network can be made: ${stderr.toString().trim()}`;
  }
  return network;
}
