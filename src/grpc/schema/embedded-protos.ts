/** Files that every schema can import without having them: google/protobuf, google/api, google/rpc, buf/validate. */
import bufValidate from "../../../proto/buf/validate/validate.proto" with { type: "text" };
import apiAnnotations from "../../../proto/google/api/annotations.proto" with { type: "text" };
import apiClient from "../../../proto/google/api/client.proto" with { type: "text" };
import apiFieldBehavior from "../../../proto/google/api/field_behavior.proto" with { type: "text" };
import apiFieldInfo from "../../../proto/google/api/field_info.proto" with { type: "text" };
import apiHttp from "../../../proto/google/api/http.proto" with { type: "text" };
import apiHttpbody from "../../../proto/google/api/httpbody.proto" with { type: "text" };
import apiLaunchStage from "../../../proto/google/api/launch_stage.proto" with { type: "text" };
import apiResource from "../../../proto/google/api/resource.proto" with { type: "text" };
import apiRouting from "../../../proto/google/api/routing.proto" with { type: "text" };
import apiVisibility from "../../../proto/google/api/visibility.proto" with { type: "text" };
import protobufAny from "../../../proto/google/protobuf/any.proto" with { type: "text" };
import protobufApi from "../../../proto/google/protobuf/api.proto" with { type: "text" };
import protobufDescriptor from "../../../proto/google/protobuf/descriptor.proto" with { type: "text" };
import protobufDuration from "../../../proto/google/protobuf/duration.proto" with { type: "text" };
import protobufEmpty from "../../../proto/google/protobuf/empty.proto" with { type: "text" };
import protobufFieldMask from "../../../proto/google/protobuf/field_mask.proto" with { type: "text" };
import protobufSourceContext from "../../../proto/google/protobuf/source_context.proto" with { type: "text" };
import protobufStruct from "../../../proto/google/protobuf/struct.proto" with { type: "text" };
import protobufTimestamp from "../../../proto/google/protobuf/timestamp.proto" with { type: "text" };
import protobufType from "../../../proto/google/protobuf/type.proto" with { type: "text" };
import protobufWrappers from "../../../proto/google/protobuf/wrappers.proto" with { type: "text" };
import rpcCode from "../../../proto/google/rpc/code.proto" with { type: "text" };
import rpcErrorDetails from "../../../proto/google/rpc/error_details.proto" with { type: "text" };
import rpcStatus from "../../../proto/google/rpc/status.proto" with { type: "text" };

/** Text by import path. */
export const embeddedProtos: ReadonlyMap<string, string> = new Map([
  ["buf/validate/validate.proto", bufValidate],
  ["google/api/annotations.proto", apiAnnotations],
  ["google/api/client.proto", apiClient],
  ["google/api/field_behavior.proto", apiFieldBehavior],
  ["google/api/field_info.proto", apiFieldInfo],
  ["google/api/http.proto", apiHttp],
  ["google/api/httpbody.proto", apiHttpbody],
  ["google/api/launch_stage.proto", apiLaunchStage],
  ["google/api/resource.proto", apiResource],
  ["google/api/routing.proto", apiRouting],
  ["google/api/visibility.proto", apiVisibility],
  ["google/protobuf/any.proto", protobufAny],
  ["google/protobuf/api.proto", protobufApi],
  ["google/protobuf/descriptor.proto", protobufDescriptor],
  ["google/protobuf/duration.proto", protobufDuration],
  ["google/protobuf/empty.proto", protobufEmpty],
  ["google/protobuf/field_mask.proto", protobufFieldMask],
  ["google/protobuf/source_context.proto", protobufSourceContext],
  ["google/protobuf/struct.proto", protobufStruct],
  ["google/protobuf/timestamp.proto", protobufTimestamp],
  ["google/protobuf/type.proto", protobufType],
  ["google/protobuf/wrappers.proto", protobufWrappers],
  ["google/rpc/code.proto", rpcCode],
  ["google/rpc/error_details.proto", rpcErrorDetails],
  ["google/rpc/status.proto", rpcStatus],
]);

/** The file that defines a message or enum, `google.protobuf.Timestamp`, for who forgot to import it. */
export function embeddedHome(name: string): string | undefined {
  const [, space = "", own = ""] = /^\.?(.*)\.(\w+)$/.exec(name) ?? [];
  for (const [path, text] of embeddedProtos)
    if (text.includes(`\npackage ${space};`) && new RegExp(`^(message|enum) ${own} `, "m").test(text))
      return path;
  return undefined;
}
