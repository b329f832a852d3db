import { describe, expect, test } from "bun:test";
import { parseSchema } from "../grpc/schema/schema.ts";
import type { Endpoint } from "../service/service.ts";
import type { Routes } from "./rest.ts";
import { createRoutes } from "./routes.ts";

/** The routes of a service `Messaging` with these methods and messages. */
function routesOf(body: string): Routes {
  const text = `syntax = "proto3";
    import "google/api/annotations.proto";
    import "google/api/httpbody.proto";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/duration.proto";
    import "google/protobuf/field_mask.proto";
    import "google/protobuf/wrappers.proto";
    ${body}`;
  const { services } = parseSchema("messaging.proto", text);
  const endpoints = [...services.values()]
    .flat()
    .map((method): Endpoint => ({ method, handler: undefined, internal: false }));
  return createRoutes(endpoints);
}

/** `Method: the request's JSON`, `405 allowed`, or what was wrong. */
function ask(routes: Routes, line: string): string {
  const [, verb = "", path = "", query = "", body] =
    /^(\w+) ([^ ?]*)(?:\?(\S*))?(?: (.*))?$/.exec(line) ?? [];
  const found = routes.match(verb, path);
  if (found === undefined) return "404";
  if ("allow" in found) return `405 ${found.allow.join(",")}`;
  const { method } = found.binding;
  try {
    const value = found.request(
      new URLSearchParams(query),
      found.binding.body === undefined || body === undefined ? undefined : JSON.parse(body),
    );
    return `${method.name}: ${JSON.stringify(method.request.toJson(value))}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The examples in the comments of google/api/http.proto, one service for each. */
describe("the published examples of google/api/http.proto", () => {
  const cases: [title: string, schema: string, lines: [asked: string, answered: string][]][] = [
    [
      "a variable of several segments",
      `service Messaging {
         rpc GetMessage(GetMessageRequest) returns (Message) { option (google.api.http) = { get: "/v1/{name=messages/*}" }; }
       }
       message GetMessageRequest { string name = 1; }
       message Message { string text = 1; }`,
      [["GET /v1/messages/123456", 'GetMessage: {"name":"messages/123456"}']],
    ],
    [
      "fields within fields by the path",
      `service Messaging {
         rpc GetMessage(GetMessageRequest) returns (Message) { option (google.api.http).get = "/v1/messages/{message_id}/{sub.subfield}"; }
       }
       message GetMessageRequest { message SubMessage { string subfield = 1; } string message_id = 1; SubMessage sub = 2; }
       message Message { string text = 1; }`,
      [["GET /v1/messages/123456/foo", 'GetMessage: {"messageId":"123456","sub":{"subfield":"foo"}}']],
    ],
    [
      "the rest by the query",
      `service Messaging {
         rpc GetMessage(GetMessageRequest) returns (Message) { option (google.api.http) = { get: "/v1/messages/{message_id}" }; }
       }
       message GetMessageRequest {
         message SubMessage { string subfield = 1; }
         string message_id = 1; int64 revision = 2; SubMessage sub = 3; repeated string param = 4;
       }
       message Message { string text = 1; }`,
      [
        [
          "GET /v1/messages/123456?revision=2&sub.subfield=foo",
          'GetMessage: {"messageId":"123456","revision":"2","sub":{"subfield":"foo"}}',
        ],
        ["GET /v1/messages/1?param=A&param=B", 'GetMessage: {"messageId":"1","param":["A","B"]}'],
      ],
    ],
    [
      "a field as the body",
      `service Messaging {
         rpc UpdateMessage(UpdateMessageRequest) returns (Message) {
           option (google.api.http) = { patch: "/v1/messages/{message_id}" body: "message" };
         }
       }
       message UpdateMessageRequest { string message_id = 1; Message message = 2; }
       message Message { string text = 1; }`,
      [
        [
          'PATCH /v1/messages/123456 { "text": "Hi!" }',
          'UpdateMessage: {"messageId":"123456","message":{"text":"Hi!"}}',
        ],
      ],
    ],
    [
      "everything that the path does not say as the body",
      `service Messaging {
         rpc UpdateMessage(Message) returns (Message) {
           option (google.api.http) = { patch: "/v1/messages/{message_id}" body: "*" };
         }
       }
       message Message { string message_id = 1; string text = 2; }`,
      [
        ['PATCH /v1/messages/123456 { "text": "Hi!" }', 'UpdateMessage: {"messageId":"123456","text":"Hi!"}'],
        [
          'PATCH /v1/messages/123456 { "message_id": "7", "text": "Hi!" }',
          'UpdateMessage: {"messageId":"123456","text":"Hi!"}',
        ],
        ["PATCH /v1/messages/123456?text=Hi! {}", "query: text belongs in the body"],
      ],
    ],
    [
      "additional bindings",
      `service Messaging {
         rpc GetMessage(GetMessageRequest) returns (Message) {
           option (google.api.http) = {
             get: "/v1/messages/{message_id}"
             additional_bindings { get: "/v1/users/{user_id}/messages/{message_id}" }
           };
         }
       }
       message GetMessageRequest { string message_id = 1; string user_id = 2; }
       message Message { string text = 1; }`,
      [
        ["GET /v1/messages/123456", 'GetMessage: {"messageId":"123456"}'],
        ["GET /v1/users/me/messages/123456", 'GetMessage: {"messageId":"123456","userId":"me"}'],
      ],
    ],
  ];
  test.each(cases)("%s", (_, schema, lines) => {
    const routes = routesOf(schema);
    for (const [asked, answered] of lines) expect(ask(routes, asked)).toBe(answered);
  });
});

/** What its code generator, its client's encoder and its blog example have. */
describe("Kratos' route forms", () => {
  const routes = routesOf(`
    service Blog {
      rpc CreateArticle(Article) returns (Article) { option (google.api.http) = { post: "/v1/article/" body: "*" }; }
      rpc UpdateArticle(Article) returns (Article) { option (google.api.http) = { put: "/v1/article/{id}" body: "*" }; }
      rpc DeleteArticle(Article) returns (Article) { option (google.api.http) = { delete: "/v1/article/{id}" }; }
      rpc GetArticle(Article) returns (Article) { option (google.api.http) = { get: "/v1/article/{id}" }; }
      rpc ListArticle(Article) returns (Article) { option (google.api.http) = { get: "/v1/article/" }; }
      rpc SayHello(Hello) returns (Hello) { option (google.api.http) = { get: "/helloworld/{name}/sub/{sub.naming}" }; }
      rpc SayTo(Hello) returns (Hello) { option (google.api.http) = { get: "/helloworld/{name}/sub" }; }
      rpc SayMasked(Hello) returns (Hello) { option (google.api.http) = { get: "/helloworld/sub/{sub.naming}" }; }
      rpc Login(Hello) returns (Hello) { option (google.api.http) = { post: "/admin/v1/login" body: "*" }; }
    }
    message Article { int64 id = 1; string title = 2; }
    message Hello { string name = 1; Sub sub = 2; google.protobuf.FieldMask update_mask = 3; }
    message Sub { string name = 1 [json_name = "naming"]; }`);
  const cases: [asked: string, answered: string][] = [
    ['POST /v1/article/ {"title":"a"}', 'CreateArticle: {"title":"a"}'],
    ['PUT /v1/article/1 {"title":"b"}', 'UpdateArticle: {"id":"1","title":"b"}'],
    ["DELETE /v1/article/1", 'DeleteArticle: {"id":"1"}'],
    ["GET /v1/article/1", 'GetArticle: {"id":"1"}'],
    ["GET /v1/article/", "ListArticle: {}"],
    ["GET /v1/article", "404"],
    ["GET /v1/article/x", 'Article.id: invalid integer: "x"'],
    ["GET /helloworld/test/sub/2233!!!!", 'SayHello: {"name":"test","sub":{"naming":"2233!!!!"}}'],
    ["GET /helloworld/go/sub?sub.naming=kratos", 'SayTo: {"name":"go","sub":{"naming":"kratos"}}'],
    [
      "GET /helloworld/sub/kratos?updateMask=name,sub.naming",
      'SayMasked: {"sub":{"naming":"kratos"},"updateMask":"name,sub.naming"}',
    ],
    ['POST /admin/v1/login {"name":"a"}', 'Login: {"name":"a"}'],
  ];
  test.each(cases)("%s", (asked, answered) => {
    expect(ask(routes, asked)).toBe(answered);
  });
});

describe("path templates", () => {
  const routes = routesOf(`
    service S {
      rpc Book(R) returns (R) { option (google.api.http) = { get: "/v1/{name=shelves/*/books/**}" }; }
      rpc Read(R) returns (R) { option (google.api.http) = { post: "/v1/{name=shelves/*}:read" body: "*" }; }
      rpc Shelf(R) returns (R) { option (google.api.http) = { get: "/v1/shelves/{name}" }; }
      rpc Top(R) returns (R) { option (google.api.http) = { get: "/v1/shelves/top" }; }
      rpc Drop(R) returns (R) { option (google.api.http) = { delete: "/v1/shelves/top" }; }
      rpc File(R) returns (R) { option (google.api.http) = { get: "/files/**" }; }
      rpc Any(R) returns (R) { option (google.api.http) = { custom: { kind: "*" path: "/any/{name}" } body: "*" }; }
      rpc Head(R) returns (R) { option (google.api.http) = { custom: { kind: "HEAD" path: "/any/{name}" } }; }
      rpc Root(R) returns (R) { option (google.api.http) = { get: "/" }; }
      rpc Odd(R) returns (R) { option (google.api.http) = { get: "/odd/a%20b/~x:v1.0" }; }
    }
    message R { string name = 1; }`);
  const cases: [asked: string, answered: string][] = [
    ["GET /v1/shelves/1/books/2/3", 'Book: {"name":"shelves/1/books/2/3"}'],
    ["GET /v1/shelves/1/books", 'Book: {"name":"shelves/1/books"}'],
    ["GET /v1/shelves/a%2Fb/books/c%2fd%20e", 'Book: {"name":"shelves/a%2Fb/books/c%2fd e"}'],
    ["GET /v1/shelves/a%2Fb%20c", 'Shelf: {"name":"a/b c"}'],
    ["GET /v1/shelves/%E4%BD%A0", 'Shelf: {"name":"你"}'],
    ["GET /v1/shelves/%E4%BD", "404"],
    ["GET /v1/shelves/%zz", "404"],
    ["GET /v1/shelves/", "404"],
    ["GET /v1/shelves/top", "Top: {}"],
    ["HEAD /v1/shelves/top", "Top: {}"],
    ["DELETE /v1/shelves/top", "Drop: {}"],
    ["PUT /v1/shelves/top", "405 DELETE,GET,HEAD"],
    ["POST /v1/shelves/1:read {}", 'Read: {"name":"shelves/1"}'],
    ["GET /v1/shelves/1:read", 'Shelf: {"name":"1:read"}'],
    ["GET /v1/shelves/1:write", 'Shelf: {"name":"1:write"}'],
    ["POST /v1/shelves/1:write {}", "405 GET,HEAD"],
    ["POST /v1/shelves/1%3Aread {}", "405 GET,HEAD"],
    ["GET /files", "File: {}"],
    ["GET /files/a/b/", "File: {}"],
    ["PURGE /any/x {}", 'Any: {"name":"x"}'],
    ["HEAD /any/x", 'Head: {"name":"x"}'],
    ["GET /", "Root: {}"],
    ["GET /odd/a%20b/~x:v1.0", "Odd: {}"],
    ["GET /v1", "404"],
    ["GET /V1/shelves/top", "404"],
    [`GET /v1/shelves/${"x".repeat(8192)}`, "404"],
  ];
  test.each(cases)("%s", (asked, answered) => {
    expect(ask(routes, asked)).toBe(answered);
  });
});

describe("a query", () => {
  const routes = routesOf(`
    service S { rpc Get(R) returns (R) { option (google.api.http) = { get: "/v1/{id}" }; } }
    enum Colour { NONE = 0; RED = 1; }
    message R {
      string id = 1; int32 count = 2; bool big = 3; double weight = 4; bytes data = 5; Colour colour = 6;
      repeated Colour colours = 7; Inner inner = 8; map<string, int32> labels = 9; uint64 total = 10;
      google.protobuf.Timestamp at = 11; google.protobuf.Duration took = 12; google.protobuf.FieldMask mask = 13;
      google.protobuf.StringValue nick = 14; google.protobuf.BoolValue sure = 15; google.protobuf.Int64Value big_one = 16;
      repeated Inner many = 17; optional string maybe = 18; R again = 19; float mass = 20;
    }
    message Inner { string user_name = 1; repeated int32 numbers = 2; }`);
  const cases: [query: string, answered: string][] = [
    ["count=-5&big=true&weight=1.5e3", '{"id":"x","count":-5,"big":true,"weight":1500}'],
    ["mass=3.4028235e38", '{"id":"x","mass":3.4028235e+38}'],
    ["mass=3.4028236e38", 'R.mass: out of range for float: "3.4028236e38"'],
    ["weight=1e309", 'R.weight: invalid number: "1e309"'],
    ["mass=0.1", '{"id":"x","mass":0.1}'],
    ["total=18446744073709551615", '{"id":"x","total":"18446744073709551615"}'],
    ["data=aGk_&data=", "query: data is given twice"],
    ["data=-_8", '{"id":"x","data":"+/8="}'],
    ["colour=RED&colours=1&colours=NONE", '{"id":"x","colour":"RED","colours":["RED","NONE"]}'],
    ["inner.user_name=a+b", '{"id":"x","inner":{"userName":"a b"}}'],
    [
      "inner.userName=a&inner.numbers=1&inner.numbers=2",
      '{"id":"x","inner":{"userName":"a","numbers":[1,2]}}',
    ],
    ["labels[a.b]=1&labels[c]=2", '{"id":"x","labels":{"a.b":1,"c":2}}'],
    ["labels[__proto__]=1", '{"id":"x","labels":{"__proto__":1}}'],
    [
      "at=2026-01-02T03:04:05.5Z&took=1.5s&mask=inner.userName,id",
      '{"id":"x","at":"2026-01-02T03:04:05.500Z","took":"1.500s","mask":"inner.userName,id"}',
    ],
    [
      "nick=&sure=false&bigOne=9007199254740993",
      '{"id":"x","nick":"","sure":false,"bigOne":"9007199254740993"}',
    ],
    ["maybe=", '{"id":"x","maybe":""}'],
    ["again.again.inner.userName=a", '{"id":"x","again":{"again":{"inner":{"userName":"a"}}}}'],
    ["$alt=json;enum-encoding=int", '{"id":"x"}'],
    ["conut=1", "query: conut: R has no field conut, did you mean count?"],
    ["inner.user=1", "query: inner.user: Inner has no field user"],
    ["inner=1", "query: inner: a message, name its fields: inner.user_name"],
    ["many.user_name=1", "query: many.user_name: many has no fields to name"],
    ["at.seconds=1", "query: at.seconds: at has no fields to name"],
    ["labels=1", "query: labels: a map, name a key: labels[key]"],
    ["count[a]=1", "query: count[a]: it is no map"],
    ["id=y", "query: id is in the path already"],
    ["count=1&count=2", "query: count is given twice"],
    ["count=many", 'R.count: invalid integer: "many"'],
    ["big=yes", "R.big: a boolean is expected, got string"],
    ["colour=BLUE", 'R.colour: unknown enum value: "BLUE"'],
    ["at=yesterday", 'R.at: invalid timestamp: "yesterday"'],
    ["__proto__.x=1", "query: __proto__.x: R has no field __proto__"],
    [`${"again.".repeat(16)}id=1`, `query: ${"again.".repeat(16).slice(0, 60)}: deeper than 16 fields`],
    [Array.from({ length: 1001 }, () => "colours=1").join("&"), "query: more than 1000 parameters"],
  ];
  test.each(cases)("%s", (query, answered) => {
    expect(ask(routes, `GET /v1/x?${query}`).replace(/^Get: /, "")).toBe(answered);
  });
});

test("a body that has a __proto__ is refused as any unknown field is", () => {
  const routes = routesOf(`
    service S { rpc Put(R) returns (R) { option (google.api.http) = { post: "/r" body: "*" }; } }
    message R { string name = 1; }`);
  expect(ask(routes, 'POST /r {"name":"b","__proto__":1}')).toBe("R: there is no field __proto__");
  expect(ask(routes, 'POST /r {"__proto__":{"name":"b"}}')).toBe("R: there is no field __proto__");
});

test("a GET has no body, whatever its rule says", () => {
  const routes = routesOf(`
    service S { rpc Get(R) returns (R) { option (google.api.http) = { get: "/r" body: "*" }; } }
    message R { string name = 1; }`);
  expect(ask(routes, 'GET /r?name=a {"name":"b"}')).toBe('Get: {"name":"a"}');
});

describe("a form", () => {
  test("is a message, or the field that is the body", () => {
    const routes = routesOf(`
      service S {
        rpc All(R) returns (R) { option (google.api.http) = { post: "/all" body: "*" }; }
        rpc One(R) returns (R) { option (google.api.http) = { post: "/one" body: "inner" }; }
      }
      message R { string id = 1; R inner = 2; }`);
    const send = (path: string, query: string, form: string): string => {
      const found = routes.match("POST", path);
      if (found === undefined || "allow" in found) return "";
      try {
        const value = found.request(new URLSearchParams(query), new URLSearchParams(form));
        return JSON.stringify(found.binding.method.request.toJson(value));
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(send("/all", "", "id=a&inner.id=b")).toBe('{"id":"a","inner":{"id":"b"}}');
    expect(send("/one", "id=a", "id=b")).toBe('{"id":"a","inner":{"id":"b"}}');
    expect(send("/one", "inner.id=a", "")).toBe("query: inner.id belongs in the body");
    expect(send("/all", "", "no=a")).toBe("form: no: R has no field no, did you mean id?");
  });
});

describe("a rule is refused that", () => {
  const message =
    "message R { string name = 1; R inner = 2; repeated string list = 3; map<string, string> map = 4; }";
  const method = (name: string, rule: string, stream = ""): string =>
    `rpc ${name}(${stream} R) returns (R) { option (google.api.http) = { ${rule} }; }`;
  const at = "google.api.http of S.A: ";
  const cases: [what: string, rules: string, why: string][] = [
    ["begins without a slash", method("A", 'get: "v1"'), `${at}path v1: it does not begin with /`],
    [
      "has an empty segment",
      method("A", 'get: "/v1//a"'),
      `${at}path /v1//a: a segment is empty, or no segment`,
    ],
    ["does not close a variable", method("A", 'get: "/{name"'), "a segment is empty, or no segment"],
    [
      "has a variable within another",
      method("A", 'get: "/{name={inner}}"'),
      "a segment is empty, or no segment",
    ],
    ["has two variables in a segment", method("A", 'get: "/{name}{name}"'), "unexpected {name}"],
    ["goes on after **", method("A", 'get: "/**/a"'), "** is not its last segment"],
    ["names a field twice", method("A", 'get: "/{name}/{name}"'), "{name} stands there twice"],
    ["names no field", method("A", 'get: "/{nmae}"'), "{nmae}: R has no field nmae, did you mean name?"],
    ["names a list", method("A", 'get: "/{list}"'), "{list}: a list, map or message"],
    ["names a message", method("A", 'get: "/{inner}"'), "{inner}: a list, map or message"],
    ["has a body of another type", method("A", 'post: "/a" body: "nope"'), "body nope: R has no such field"],
    [
      "sends a field of another type",
      method("A", 'get: "/a" response_body: "nope"'),
      "response_body nope: R has no such field",
    ],
    [
      "takes a field from path and body",
      method("A", 'post: "/{name}" body: "name"'),
      "body name: its path takes that field",
    ],
    [
      "has a kind that is no method of HTTP",
      method("A", 'custom: { kind: "get it" path: "/a" }'),
      "custom kind GET IT: not a method of HTTP",
    ],
    [
      "has no body where the caller streams",
      method("A", 'post: "/a"', "stream"),
      "the caller streams, and the rule has no body",
    ],
    [
      "means what another method's means",
      method("B", 'get: "/v1/{name}/{inner.name=*}"') + method("A", 'get: "/v1/{inner.name}/*"'),
      `${at}GET /v1/{inner.name}/* is what calls S.B`,
    ],
  ];
  test.each(cases)("%s", (_, rules, why) => {
    expect(() => routesOf(`service S { ${rules} } ${message}`)).toThrow(why);
  });
});
