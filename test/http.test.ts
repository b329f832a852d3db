/** The HTTP side over real sockets: on connections that others accept (node:http) and on a port of its own (the host's server). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { loadSchema } from "../src/grpc/schema.ts";
import { serveHttp } from "../src/http/server.ts";
import { createWeb } from "../src/http/web.ts";
import { silentLog } from "../src/log.ts";
import { serveWithBun } from "../src/runtime/bun-server.ts";
import type { Server } from "../src/transport/transport.ts";
