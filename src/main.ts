#!/usr/bin/env bun
/** The microrun program, from source. */
import { begin } from "./begin.ts";

await begin();
