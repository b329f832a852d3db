/** What is used of multicast-dns 7, which brings no types. */
declare module "multicast-dns" {
  import type { RemoteInfo, Socket } from "node:dgram";

  export interface Question {
    name: string;
    type: string;
  }

  export interface Answer {
    name: string;
    type: string;
    /** Seconds. */
    ttl?: number;
    data?: unknown;
  }

  export interface Packet {
    id?: number;
    questions?: Question[];
    answers?: Answer[];
    additionals?: Answer[];
  }

  export interface MulticastDns {
    on(event: "query" | "response", listener: (packet: Packet, from: RemoteInfo) => void): void;
    on(event: "error" | "warning", listener: (error: Error) => void): void;
    on(event: "ready" | "networkInterface", listener: () => void): void;
    respond(
      packet: Packet,
      to: { address: string; port: number } | null,
      sent: (error?: Error | null) => void,
    ): void;
    query(packet: Packet, sent: (error?: Error | null) => void): void;
    destroy(done: () => void): void;
  }

  export default function multicastDns(options: {
    port?: number;
    /** Address of the interface to send from and to listen on. */
    interface?: string;
    bind?: string | false;
    multicast?: boolean;
    socket?: Socket;
  }): MulticastDns;
}
