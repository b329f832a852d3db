/** What Bun, Deno and Node do not share, behind one contract. */
import type { Fetch } from "../call.ts";
import type { Tls } from "../transport/transport.ts";
import type { WebSocketHandler } from "../web-socket.ts";

export interface HostServer {
  /** `host:port` with the port filled in, or `unix:/path`. */
  readonly address: string;
  /** Shows other certificates from the next connection on. Absent where that cannot be. @throws the TLS library's error */
  renew?(tls: Tls): void;
  /** Refuses new connections, waits for requests under way. */
  stop(): Promise<void>;
  /** Cuts what is left. */
  kill(): void;
}

export interface ServeOptions {
  readonly address: string;
  readonly tls?: Tls;
  readonly fetch: Fetch;
  /** What a request that `fetch` upgrades is handed to. */
  readonly websocket?: WebSocketHandler | undefined;
  /** @default 4194304 */
  readonly maxBodyBytes?: number;
  /** Several processes may listen there. @default false */
  readonly shared?: boolean;
}

/** A process under this one that may send and hear. It learns of this one's end by the event "disconnect". */
export interface Child {
  /** Without effect once it has ended. */
  send(message: unknown): void;
  /** Ends it at once. */
  kill(): void;
  /** The exit code; as a shell tells it after a signal, 128 and its number. */
  readonly ended: Promise<number>;
}

export interface ForkOptions {
  /** Variables beside those of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly heard: (message: unknown) => void;
}

export interface Runtime {
  readonly name: "bun" | "deno" | "node";
  /** `1.4.4` */
  readonly version: string;
  /** True inside the compiled executable. */
  readonly compiled: boolean;
  /**
   * Makes `import … from "microrun"` give `exports`, and an imported `.proto` its own path, in all modules loaded from now on.
   * Under `watch` it also looks after the restarts, and holds back a module that failed until something changes.
   * @param module path of the module to be run: its nearest `tsconfig.json` says whether decorators are legacy ones
   * @default module any in the current folder
   */
  prepare(exports: Record<string, unknown>, module?: string): Promise<void>;
  /** The fastest HTTP server of the host, for a port of its own. Absent: our own sockets serve. */
  readonly serve?: (options: ServeOptions) => Promise<HostServer>;
  /**
   * Runs this program again with these arguments (without `--watch`), restarted whenever a file it imported changes: told to
   * stop as by SIGTERM, then started anew. One that fails or ends waits for the next change. Returns only where it must.
   */
  watch(args: readonly string[]): Promise<number>;
  /** The words that start this program, its own arguments to follow. Absent: only the host can be started. */
  readonly program?: readonly string[];
  /** Starts this program again with the words that it was itself started with. Absent: the host cannot share a port. */
  readonly fork?: (options: ForkOptions) => Child;
}
