/** The details of a status, `google.rpc.Status` in bytes: Go Micro's `errors.Error` or Kratos' `google.rpc.ErrorInfo`. */
import protobuf from "protobufjs/minimal.js";
import type { MicroError } from "../micro-error.ts";

export interface ErrorInfo {
  readonly reason?: string | undefined;
  readonly details?: Readonly<Record<string, string>> | undefined;
}

const errorUrl = "type.googleapis.com/errors.Error";
const infoUrl = "type.googleapis.com/google.rpc.ErrorInfo";

export function microErrorDetails(code: number, message: string, error: MicroError): Uint8Array {
  return statusBytes(code, message, errorUrl, microErrorBytes(error));
}

export function errorInfoDetails(code: number, message: string, info: ErrorInfo): Uint8Array {
  return statusBytes(code, message, infoUrl, errorInfoBytes(info));
}

/** google.rpc.Status{code=1, message=2, details=3 Any{type_url=1, value=2}} */
function statusBytes(code: number, message: string, url: string, value: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32(8)
    .int32(code)
    .uint32(18)
    .string(message)
    .uint32(26)
    .fork()
    .uint32(10)
    .string(url)
    .uint32(18)
    .bytes(value)
    .ldelim()
    .finish();
}

/** errors.Error{id=1, code=2, detail=3, status=4} */
function microErrorBytes({ id, code, detail, status }: MicroError): Uint8Array {
  const writer = protobuf.Writer.create();
  if (id !== "") writer.uint32(10).string(id);
  writer.uint32(16).int32(code);
  if (detail !== "") writer.uint32(26).string(detail);
  if (status !== "") writer.uint32(34).string(status);
  return writer.finish();
}

/** google.rpc.ErrorInfo{reason=1, domain=2, metadata=3 map} */
function errorInfoBytes({ reason, details }: ErrorInfo): Uint8Array {
  const writer = protobuf.Writer.create();
  if (reason !== undefined) writer.uint32(10).string(reason);
  for (const [key, value] of Object.entries(details ?? {}))
    writer.uint32(26).fork().uint32(10).string(key).uint32(18).string(value).ldelim();
  return writer.finish();
}

export interface Details {
  micro?: MicroError;
  info?: { reason?: string; details?: Record<string, string> };
}

/** Bytes that make no sense say nothing: the status itself still holds. */
export function readDetails(bytes: Uint8Array): Details {
  const found: Details = {};
  try {
    eachField(bytes, (field, reader) => {
      if (field !== 3) return false;
      let url = "";
      let value: Uint8Array = new Uint8Array();
      eachField(reader.bytes(), (inner, any) => {
        if (inner === 1) url = any.string();
        else if (inner === 2) value = any.bytes();
        else return false;
        return true;
      });
      if (url === errorUrl) found.micro ??= readMicroError(value);
      if (url === infoUrl) found.info ??= readErrorInfo(value);
      return true;
    });
  } catch {
    // as above
  }
  return found;
}

function readMicroError(bytes: Uint8Array): MicroError {
  const error: MicroError = { id: "", code: 0, detail: "", status: "" };
  eachField(bytes, (field, reader) => {
    if (field === 1) error.id = reader.string();
    else if (field === 2) error.code = reader.int32();
    else if (field === 3) error.detail = reader.string();
    else if (field === 4) error.status = reader.string();
    else return false;
    return true;
  });
  return error;
}

function readErrorInfo(bytes: Uint8Array): { reason?: string; details?: Record<string, string> } {
  const info: { reason?: string; details?: Record<string, string> } = {};
  eachField(bytes, (field, reader) => {
    if (field === 1) info.reason = reader.string();
    else if (field === 3) {
      const entry = ["", ""];
      eachField(reader.bytes(), (inner, pair) => {
        if (inner !== 1 && inner !== 2) return false;
        entry[inner - 1] = pair.string();
        return true;
      });
      info.details = { ...info.details, [entry[0]!]: entry[1]! };
    } else return false;
    return true;
  });
  return info;
}

/** @param take false: not wanted */
function eachField(bytes: Uint8Array, take: (field: number, reader: protobuf.Reader) => boolean): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!take(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}
