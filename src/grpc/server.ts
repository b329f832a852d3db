/** A gRPC server on grpc-js: which streams are calls, and how it stops. Everything of a call is in exchange.ts. */
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Dispatch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Service } from "../service/service.ts";
import type { ListenOptions, Server } from "../transport/transport.ts";
import { isGrpc } from "./content.ts";
import { type Exchange, openExchange } from "./exchange.ts";
import { createEngine } from "./engine.ts";
import { openPort } from "./port.ts";
