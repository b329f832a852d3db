/** What the servers are asked to do, case by case. */
import { h2load, h2loadMissing } from "./h2load.ts";
import { jsonLoad } from "./json-load.ts";
import { type Generator, grpcLoad } from "./load.ts";

export interface Case {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** What the figures are counted by. @default "call" */
  readonly per?: "message";
  readonly load: Generator;
  /** Why it cannot run here. */
  readonly missing?: () => string | undefined;
}

/** Ours: a stream is long enough that its messages are what costs. */
const streamMessages = 1000;

export const grpcCases: readonly Case[] = [
  { name: "unary", title: "unary, 50 at a time", load: grpcLoad({ concurrency: 50 }) },
  {
    name: "metadata",
    title: "unique metadata, 50 at a time",
    load: grpcLoad({ concurrency: 50, uniqueMetadata: true }),
  },
  { name: "10kb", title: "10 KB, 50 at a time", load: grpcLoad({ concurrency: 50, nameBytes: 10_000 }) },
  { name: "1mb", title: "1 MB, 4 at a time", load: grpcLoad({ concurrency: 4, nameBytes: 1_000_000 }) },
  {
    name: "stream",
    title: `streams of ${streamMessages} messages, 4 at a time`,
    per: "message",
    load: grpcLoad({ concurrency: 4, messages: streamMessages }),
  },
  { name: "single", title: "unary, one at a time", load: grpcLoad({ concurrency: 1 }) },
  { name: "h2load", title: "h2load, 10 x 10", load: h2load(10, 10), missing: h2loadMissing },
];

export const jsonCases: readonly Case[] = [
  { name: "json", title: "POST, 50 connections", load: jsonLoad(50) },
];

export const observedCases: readonly Case[] = [
  {
    name: "observed",
    title: "unique metadata, 50 at a time",
    load: grpcLoad({ concurrency: 50, uniqueMetadata: true }),
  },
];
