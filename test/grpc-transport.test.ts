/** The gRPC transport under the transport's contract, on each kind of address, and what only it does. */
import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grpcTransport } from "../src/grpc/transport.ts";
import { transportContract } from "../src/transport/transport.contract.ts";
import { makeCertificates } from "./certificate.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-transport-"));
afterAll(() => rmSync(folder, { recursive: true }));
let sockets = 0;
const { ca, server, client } = makeCertificates();

transportContract("gRPC over TCP", { transport: grpcTransport(), address: () => "127.0.0.1:0" });

transportContract("gRPC over a unix socket", {
  transport: grpcTransport(),
  address: () => `unix:${join(folder, `${sockets++}.sock`)}`,
});

transportContract("gRPC over mutual TLS", {
  transport: grpcTransport(),
  address: () => "127.0.0.1:0",
  listen: { tls: { ...server, ca } },
  connect: { tls: { ...client, ca } },
});
