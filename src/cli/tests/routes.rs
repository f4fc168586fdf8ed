//! `brama routes`: the table of routes, and the comparison with an OpenAPI document.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const POLICY: &str = "\
version: 1
name: x
mode: { shadow: { because: a trial } }
authorities: { a: { cluster: a, host: a.internal, timeout: 1s, auth: { bearer_env: SECRET } } }
credentials:
  api_key:
    header: api-key
    verify: [{ introspect: { authority: a, path: /i, hint: h, expect: { /use: key } } }]
    cache: { ttl: 1s, refused_ttl: 1s, entries: 10 }
  token:
    header: authorization
    scheme: Bearer
    verify: [{ introspect: { authority: a, path: /i, hint: h, expect: { /use: token } } }]
    cache: { ttl: 1s, refused_ttl: 1s, entries: 10 }
forward: { headers: {} }
refusals: { format: problem }
routes:
  - id: note
    methods: [GET, PUT]
    hosts: [a.example, '*.b.example']
    path: /v1/notes/{owner}/{_number:int}
    preflight: { because: browsers ask }
    require:
      credentials: [api_key, token]
      bind: { token: client_id, api_key: client_id }
      scopes: { any: [a, b], of: [api_key, token] }
      owner: { param: owner, equals: token.subject, except_client_types: [ADMIN] }
  - { id: user, methods: [GET], mode: enforce, path: '/v1/users/{_id:uuid}', require: { credentials: [token], scopes: none } }
  - { id: file, methods: [GET, HEAD], mode: enforce, path: '/v1/files/{_path...}', public: { because: files are public } }
";

fn routes(openapi: Option<&str>, further: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), POLICY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    command.args(["routes", "x.yaml"]).args(further).current_dir(folder.path());
    if let Some(text) = openapi {
        std::fs::write(folder.path().join("api.yaml"), text).unwrap();
        command.args(["--openapi", "api.yaml"]);
    }
    command.output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A document with these paths, written as YAML flow.
fn document(paths: &str) -> String {
    format!(
        "openapi: 3.0.3\ninfo: {{ title: x, version: '1' }}\nservers: [{{ url: 'https://a.example/v1/' }}]\npaths: {paths}\n"
    )
}

/// The lines about one operation, or none where it is covered.
#[track_caller]
fn gaps(paths: &str) -> Vec<String> {
    let output = routes(Some(&document(paths)), &[]);
    assert!(output.stderr.is_empty(), "{}", text(output.stderr));
    let shown = text(output.stdout);
    shown.lines().filter(|line| line.contains("covered ") && !line.starts_with("api.yaml")).map(str::to_owned).collect()
}

#[test]
fn routes_are_listed_in_the_order_of_the_policy() {
    let expected = "\
ROUTE  METHODS   HOSTS                    PATH                                MODE     REQUIRES
note   GET,PUT   a.example,*.b.example  /v1/notes/{owner}/{_number:int}  shadow   api_key, token; token.client_id = api_key.client_id; api_key and token with any of a, b; owner = token.subject except ADMIN; preflight passes: browsers ask
user   GET       any host                 /v1/users/{_id:uuid}               enforce  token; no scope
file   GET,HEAD  any host                 /v1/files/{_path...}               enforce  public: files are public
";
    let output = routes(None, &[]);
    let squeezed =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    let shown = text(output.stdout);
    assert_eq!((output.status.code(), squeezed(&shown)), (Some(0), squeezed(expected)));
    let starts = |line: &str| ["/v1", "PATH"].iter().find_map(|word| line.find(word));
    let columns: Vec<_> = shown.lines().map(starts).collect();
    assert!(columns.iter().all(|column| *column == columns[0]), "the paths stand in one column: {shown}");
}

/// In a terminal of 80 columns nothing is broken by the terminal.
#[test]
fn routes_that_are_too_wide_have_some_lines_each() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), POLICY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    let shown = |columns: &str, command: &mut Command| {
        text(
            command
                .args(["routes", "x.yaml"])
                .env("COLUMNS", columns)
                .current_dir(folder.path())
                .output()
                .unwrap()
                .stdout,
        )
    };
    let expected = "\
note
  GET,PUT /v1/notes/{owner}/{_number:int}
  on a.example, *.b.example
  shadow
  api_key, token; token.client_id = api_key.client_id; api_key and token with
    any of a, b; owner = token.subject except ADMIN; preflight passes: browsers
    ask

user
  GET /v1/users/{_id:uuid}
  token; no scope

file
  GET,HEAD /v1/files/{_path...}
  public: files are public
";
    assert_eq!(shown("80", &mut command), expected);
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    assert!(shown("300", &mut command).starts_with("ROUTE "));
}

#[test]
fn json_has_what_each_route_requires() {
    let shown: Value = serde_json::from_slice(&routes(None, &["--json"]).stdout).unwrap();
    let note = json!({
        "rule": "note", "methods": ["GET", "PUT"], "hosts": ["a.example", "*.b.example"],
        "path": "/v1/notes/{owner}/{_number:int}", "mode": "shadow", "preflight": "browsers ask", "public": null,
        "require": {
            "credentials": ["api_key", "token"], "audience": null, "bind": ["token.client_id", "api_key.client_id"],
            "scopes": { "any": ["a", "b"], "of": ["api_key", "token"] },
            "owner": { "param": "owner", "equals": "token.subject", "except_client_types": ["ADMIN"] },
            "conditions": [],
        },
        "forwards": null, "passes": [],
    });
    assert_eq!(shown["routes"][0], note);
    assert_eq!(shown["routes"][1]["require"]["scopes"], Value::Null);
    assert_eq!(
        (&shown["routes"][2]["public"], &shown["routes"][2]["require"]),
        (&json!("files are public"), &Value::Null)
    );
}

#[test]
fn covered_is_what_the_router_takes() {
    const UUID: &str = "1380df72-275a-11e7-93ae-92361f002671";
    for (paths, expected) in [
        (
            "{ '/users/{id}': { get: { parameters: [{ name: id, in: path, schema: { type: string, format: uuid } }] } } }",
            "",
        ),
        (
            "{ '/users/{id}': { get: { operationId: getUser } } }",
            "covered in part  GET /users/{id} (getUser): by user, and not a.example/v1/users/word: not user, _id takes a UUID in lower case with hyphens, and `word` is none",
        ),
        (
            "{ '/users/{id}': { parameters: [{ name: id, in: path, schema: { type: integer } }], get: {} } }",
            "not covered      GET /users/{id}: a.example/v1/users/42: not user, _id takes a UUID in lower case with hyphens, and `42` is none",
        ),
        ("{ '/notes/{who}/{n}': { get: { parameters: [{ name: n, in: path, schema: { type: integer } }] } } }", ""),
        (
            "{ '/notes/{who}/{n}': { delete: { parameters: [{ name: n, in: path, schema: { type: integer } }] } } }",
            "not covered      DELETE /notes/{who}/{n}: a.example/v1/notes/word/42: not note, it is for GET, PUT",
        ),
        (
            "{ '/notes/{who}/7': { get: { servers: [{ url: 'https://c.example/v1' }] } } }",
            "not covered      GET /notes/{who}/7: c.example/v1/notes/word/7: not note, it is for a.example, *.b.example",
        ),
        ("{ '/notes/{who}/7': { servers: [{ url: /v1 }], get: {} } }", ""),
        (
            "{ '/notes/{who}/7': { get: { servers: [{ url: /v2 }] } } }",
            "not covered      GET /notes/{who}/7: /v2/notes/word/7: not note, its path has `v1` for `v2`",
        ),
        ("{ '/files/{name}.json': { get: {} } }", ""),
        ("{ '/files/{name}': { head: {} } }", ""),
        (
            "{ '/files/{name}': { options: {} } }",
            "not covered      OPTIONS /files/{name}: a.example/v1/files/word: not file, it is for GET, HEAD",
        ),
        (
            "{ '/files/{name}': { trace: {} } }",
            "not covered      TRACE /files/{name}: a.example/v1/files/word: TRACE is refused always",
        ),
        (
            "{ '/files/{name}': { additionalOperations: { COPY: {} } } }",
            "not covered      COPY /files/{name}: a.example/v1/files/word: not file, it is for GET, HEAD",
        ),
        (
            "{ '/files/{name}': { get: { parameters: [{ name: name, in: path, style: matrix, schema: {} }] } } }",
            "not covered      GET /files/{name}: a.example/v1/files/;name=word: it is refused, the path has a segment parameter",
        ),
        (
            "{ '/files/{a}': { get: { parameters: [{ name: a, in: path, schema: { enum: [a/b, c] } }] } } }",
            "covered in part  GET /files/{a}: by file, and not a.example/v1/files/a%2Fb: it is refused, the path percent-encodes a separator or a control character",
        ),
        (
            "{ '/users/{id}': { put: {} } }",
            "not covered      PUT /users/{id}: a.example/v1/users/UUID: not user, it is for GET",
        ),
        ("{ /letters: { get: {} } }", "not covered      GET /letters: a.example/v1/letters: no route is near it"),
        (
            "{ '/user/{x}': { get: { parameters: [{ name: x, in: path, schema: { const: UUID } }] } } }",
            "not covered      GET /user/{x}: a.example/v1/user/UUID: not user, its path has `users` for `user`",
        ),
    ] {
        let expected: Vec<_> = [expected.replace("UUID", UUID).replace(&format!("a {UUID} in"), "a UUID in")]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(gaps(&paths.replace("UUID", UUID)), expected, "{paths}");
    }
}

#[test]
fn references_within_the_document_are_followed() {
    let text = document("{ '/users/{id}': { $ref: '#/components/pathItems/a~1b' } }")
        + "components:
  pathItems: { a/b: { get: { parameters: [{ $ref: '#/components/parameters/the%20id' }] } } }
  parameters: { the id: { name: id, in: path, schema: { $ref: '#/components/schemas/Id' } } }
  schemas: { Id: { type: string, format: uuid } }
";
    let shown: Value = serde_json::from_slice(&routes(Some(&text), &["--json"]).stdout).unwrap();
    assert_eq!(shown["operations"][0]["covered"], "whole");
}

#[test]
fn routes_without_operation_are_named_by_method() {
    let paths = "{ '/files/{name}': { get: {} }, '/notes/{who}/7': { put: {} } }";
    let output = routes(Some(&document(paths)), &[]);
    let expected = "\
no operation     note  GET /v1/notes/{owner}/{_number:int}
no operation     user  GET /v1/users/{_id:uuid}
no operation     file  HEAD /v1/files/{_path...}
api.yaml: 2 of 2 operations covered; 3 routes and methods without one
";
    assert_eq!((output.status.code(), text(output.stdout)), (Some(1), expected.to_owned()));
}

#[test]
fn shipped_policy_and_its_description_agree() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    command.args(["routes", "ehealth.yaml", "--openapi", "ehealth.openapi.yaml"]).current_dir(policies);
    let output = command.output().unwrap();
    let expected = "ehealth.openapi.yaml: 3 of 3 operations covered; each route has one\n";
    assert_eq!((output.status.code(), text(output.stdout)), (Some(0), expected.to_owned()));
}

#[test]
fn description_that_cannot_be_understood_is_named_with_exit_code_2() {
    for (text, words) in [
        ("[".to_owned(), "api.yaml: "),
        ("x: 1".to_owned(), "api.yaml: this is no OpenAPI document: it has no `openapi`"),
        ("swagger: '2.0'".to_owned(), "Swagger 2 is not OpenAPI 3"),
        ("openapi: 4.0.0\npaths: {}".to_owned(), "/openapi: version `4.0.0` is not 3"),
        ("openapi: 3.1.0".to_owned(), "it has no `paths`"),
        (document("[]"), "/paths: this is no object"),
        (document("{ a: {} }"), "/paths/a: a path begins with `/`"),
        (document("{ /a: { get: {} }, /a: { put: {} } }"), "duplicate"),
        (document("{ /a: { get: [] } }"), "/paths/~1a/get: this is no object"),
        (document("{ '/{a': { get: {} } }"), "`/{a` has a brace too many"),
        (document("{ /a: { $ref: other.yaml } }"), "/paths/~1a: `other.yaml` is outside of this document"),
        (document("{ /a: { $ref: '#/nowhere' } }"), "`#/nowhere` leads nowhere"),
        (document("{ /a: { $ref: '#/paths/~1a' } }"), "leads in a circle"),
        (document("{ /a: { $ref: '#/paths/~1b', get: {} }, /b: {} }"), "beside it has no agreed meaning"),
        (document("{ /a: { get: { parameters: {} } } }"), "`parameters` is no list"),
        (document("{ /a: { get: { parameters: [{ name: a }] } } }"), "a parameter has a `name` and an `in`"),
        (document("{ /a: { get: { servers: [{ url: v1 }] } } }"), "server `v1` is relative"),
        (
            document("{ /a: { get: { servers: [{ url: '/{v}' }] } } }"),
            "server `/{v}` has a variable that is not declared",
        ),
    ] {
        let output = routes(Some(&text), &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{text}");
    }
}

/// A large document, as companies have them, is neither too long nor too deep.
#[test]
fn large_description_is_read() {
    let paths: Vec<_> = (0..3000)
        .map(|n| format!("'/files/{n}/{{a}}/{{b}}': {{ get: {{ responses: {{ 200: {{ description: x }} }} }} }}"))
        .collect();
    let output = routes(Some(&document(&format!("{{ {} }}", paths.join(", ")))), &[]);
    assert!(text(output.stdout).contains("api.yaml: 3000 of 3000 operations covered"), "{}", text(output.stderr));
}

#[test]
fn credentials_of_which_some_may_be_absent_are_told() {
    let mut document: Value = serde_saphyr::from_str(include_str!("../../../policies/examples/partners.yaml")).unwrap();
    document["routes"] = json!([
        { "id": "either", "methods": ["GET"], "path": "/a", "require": {
            "credentials": { "all": ["webhook"], "any": ["partner", "session"] }, "audience": { "session": "reviews" },
            "scopes": { "all": ["a"], "of": ["any"] } } },
        { "id": "open", "methods": ["GET"], "path": "/b", "require": {
            "credentials": { "optional": ["session"], "because": "it is for everybody" }, "scopes": "none" } },
    ]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), document.to_string()).unwrap();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_brama")).current_dir(folder.path()).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let table = run(&["routes", "a.json"]);
    for words in [
        "webhook; any of partner, session; session for reviews; any with a",
        "perhaps session; none needed: it is for everybody; no scope",
    ] {
        assert!(table.contains(words), "{table}");
    }
    let shown: Value = serde_json::from_str(&run(&["routes", "--json", "a.json"])).unwrap();
    let either = &shown["routes"][0]["require"];
    let credentials = json!({ "all": ["webhook"], "any": ["partner", "session"], "optional": [], "because": null });
    assert_eq!((&either["credentials"], &either["audience"]), (&credentials, &json!({ "session": "reviews" })));
    assert_eq!(shown["routes"][1]["require"]["credentials"]["because"], "it is for everybody");
}
