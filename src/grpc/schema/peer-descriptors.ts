/** What a peer says of its schema: FileDescriptorProtos as far as they matter here, none of it looked at yet. */
import { MicrorunError } from "../../errors.ts";
import { parseSchema } from "./schema.ts";

/** FileDescriptorProto as far as it matters here, JSON names. */
export interface PeerFile {
  readonly name?: string;
  readonly package?: string;
  readonly dependency: readonly string[];
  readonly messageType: readonly PeerMessage[];
  readonly enumType: readonly PeerEnum[];
  readonly service: readonly PeerService[];
  readonly syntax?: string;
  /** `EDITION_2023` */
  readonly edition?: string | number;
  readonly options?: PeerOptions;
}

export interface PeerMessage {
  readonly name?: string;
  readonly field: readonly PeerField[];
  readonly nestedType: readonly PeerMessage[];
  readonly enumType: readonly PeerEnum[];
  readonly oneofDecl: readonly { readonly name?: string }[];
  readonly options?: PeerOptions & { readonly mapEntry?: boolean };
}

export interface PeerField {
  readonly name?: string;
  readonly number?: number;
  readonly label?: string | number;
  readonly type?: string | number;
  readonly typeName?: string;
  readonly oneofIndex?: number;
  readonly jsonName?: string;
  readonly proto3Optional?: boolean;
  readonly options?: PeerOptions & { readonly packed?: boolean };
}

export interface PeerEnum {
  readonly name?: string;
  readonly value: readonly { readonly name?: string; readonly number?: number }[];
  readonly options?: PeerOptions;
}

export interface PeerService {
  readonly name?: string;
  readonly method: readonly PeerMethod[];
}

export interface PeerMethod {
  readonly name?: string;
  readonly inputType?: string;
  readonly outputType?: string;
  readonly clientStreaming?: boolean;
  readonly serverStreaming?: boolean;
  readonly options?: { readonly idempotencyLevel?: string | number };
}

export interface PeerOptions {
  readonly features?: Readonly<Record<string, unknown>>;
}

/** Bytes → FileDescriptorProto. @throws MicrorunError `invalid_argument` */
export function peerFileReader(): (bytes: Uint8Array) => PeerFile {
  const schema = parseSchema("peer.proto", 'syntax = "proto3"; import "google/protobuf/descriptor.proto";');
  const { decode } = schema.message("google.protobuf.FileDescriptorProto")!;
  return (bytes) => decode!(bytes) as PeerFile;
}

/** The peer's schema must not, or cannot, be used. */
export function refused(why: string): MicrorunError {
  return new MicrorunError("failed_precondition", `the peer's schema: ${why}`, {
    hint: "give its .proto file by --proto",
  });
}
