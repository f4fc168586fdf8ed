//! `brama check`: what it shows, and what it returns.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use brama_kit::shipped;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A policy without faults, to which a test does one thing.
const SOUND: &str = "\
version: 1
name: x
forward: { headers: {} }
refusals: { format: ehealth }
routes:
  - id: open
    methods: [GET]
    path: /open
    public: { because: \"it says nothing of anybody\" }
";

/// A folder with these files, so that a report names them alike wherever the test runs.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brama")).arg("check").args(arguments).current_dir(folder).output().unwrap()
}

/// The exit code and the report about one policy; nothing is on standard error.
#[track_caller]
fn report(text: &str) -> (i32, String) {
    let Output { status, stdout, stderr } = check(folder(&[("x.yaml", text.as_bytes())]).path(), &["x.yaml"]);
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

/// The findings about one policy as JSON.
#[track_caller]
fn findings(text: &str) -> Vec<Value> {
    let output = check(folder(&[("x.yaml", text.as_bytes())]).path(), &["--json", "x.yaml"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is underlined, for each finding: `line:column the text`.
#[track_caller]
fn underlined(text: &str) -> Vec<String> {
    let one = |finding: &Value| {
        let number = |name: &str| usize::try_from(finding[name].as_u64().unwrap()).unwrap();
        let (line, column) = (number("line"), number("column"));
        assert_eq!(number("end_line"), line, "a place is within one line");
        let characters = text.trim_start_matches('\u{feff}').split('\n').nth(line - 1).unwrap().chars();
        let place: String = characters.skip(column - 1).take(number("end_column") - column).collect();
        format!("{line}:{column} {place}")
    };
    findings(text).iter().filter(|finding| !finding["line"].is_null()).map(one).collect()
}

#[test]
fn sound_policy_is_one_line_and_exit_code_0() {
    assert_eq!(report(SOUND), (0, "x.yaml: sound, 1 rule\n".to_owned()));
}

#[test]
fn shipped_policies_have_no_finding() {
    let policies = shipped::policies();
    let arguments: Vec<_> =
        ["--strict"].into_iter().chain(policies.iter().map(|path| path.to_str().unwrap())).collect();
    let output = check(&shipped::folder(), &arguments);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report.contains("ehealth.yaml: sound, 3 rules\n"), "{report}");
    assert_eq!(report.lines().filter(|line| line.contains(".yaml: sound, ")).count(), policies.len(), "{report}");
}

#[test]
fn faults_are_shown_in_their_lines_and_in_their_order() {
    let text = SOUND.replace("[GET]", "[get]").replace("name: x", "nmae: x");
    let expected = "\
error: missing key `name`
--> x.yaml

error: unknown key `nmae`, expected one of `version`, `name`, `mode`, `authorities`, `credentials`, `forward`, `refusals`, `log`, `routes`
 --> x.yaml:2:1
  |
2 | nmae: x
  | ^^^^ nmae
  |
  = help: did you mean `name`?

x.yaml: 2 faults
";
    assert_eq!(report(&text), (1, expected.to_owned()));
    let expected = "\
error: `get` is no method in capitals
 --> x.yaml:7:15
  |
7 |     methods: [get]
  |               ^^^ routes[0].methods[0]
  |
  = help: did you mean `GET`?

x.yaml: 1 fault
";
    assert_eq!(report(&SOUND.replace("[GET]", "[get]")), (1, expected.to_owned()));
}

#[test]
fn what_the_message_is_about_is_underlined() {
    for (from, to, expected) in [
        // The value, plain, quoted, of another type, or over lines.
        ("name: x", "name: x y", "2:7 x y"),
        ("name: x", "name: 'x y' # why", "2:7 'x y'"),
        ("version: 1", "version: \"1\"", "1:10 \"1\""),
        ("name: x", "name: |\n  x\n  y", "3:3 x"),
        ("name: x", "name: \"x\n  y\"", "2:7 \"x"),
        ("[GET]", "[GET, get]", "7:20 get"),
        ("[GET]", "\n      - GET\n      - \"get\"", "9:9 \"get\""),
        // The key, where the message quotes it, where nothing stands behind it, or where much does.
        ("{ format: ehealth }", "{ format: ehealth, formt: x }", "4:30 formt"),
        ("{ headers: {} }", "{ headers: { host: token.subject } }", "3:23 host"),
        ("name: x", "name:", "2:1 name"),
        ("name: x", "name:\n  - x", "2:1 name"),
        ("name: x", "name: {\n  }", "2:1 name"),
        // A key within the value, where the message quotes that.
        (
            "public: { because: \"it says nothing of anybody\" }",
            "require: { credentials: [], scopes: { some: [] } }",
            "9:43 some",
        ),
        // An entry of a list has no key: its first line.
        ("  - id: open\n", "  - \n", "7:5 methods: [GET]"),
    ] {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND);
        assert_eq!(underlined(&text).first().map(String::as_str), Some(expected), "{text}");
    }
}

#[test]
fn part_of_a_condition_is_underlined() {
    for (condition, part) in [
        (r#"has(token.subject) && request.host != "Api.example""#, "Api.example"),
        (r#"request.path.startswith("/a") || true"#, "startswith"),
        (r#"request.method = "GET""#, "="),
        (r#"now > 5 && has(token.subject)"#, ">"),
        (r#"token.tenant == "a" && token.tenant == "b""#, r#"'token.tenant == "a" && token.tenant == "b"'"#),
    ] {
        let text = format!(
            "version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
  token: {{ header: authorization, scheme: Bearer, cache: {{ ttl: 1s, refused_ttl: 1s, entries: 1 }},
    verify: [{{ introspect: {{ authority: a, path: /i, hint: t, expect: {{ /u: t }} }} }}] }}
forward: {{ headers: {{}} }}
refusals: {{ format: ehealth }}
routes:
  - id: r
    methods: [GET]
    path: /a
    require: {{ credentials: [token], scopes: none, conditions: ['{condition}'] }}
"
        );
        let shown = underlined(&text);
        assert_eq!(
            shown.first().and_then(|first| first.split_once(' ')).map(|(_place, part)| part),
            Some(part),
            "{shown:?}"
        );
    }
}

#[test]
fn columns_count_characters() {
    let text = SOUND.replace("name: x", "\"name\":\t\"Україна 🇺🇦\"");
    assert_eq!(underlined(&text), ["2:9 \"Україна 🇺🇦\""]);
    let text = SOUND.replace("{ format: ehealth }", "{ \"é🇺🇦\":\t1, format: ehealth }");
    assert_eq!(underlined(&text), ["4:13 \"é🇺🇦\""]);
    let text = SOUND.replace("    methods: [GET]", "    \"methods\":\t[ \"é\",\t\"è\" ]");
    assert_eq!(underlined(&text), ["7:18 \"é\"", "7:23 \"è\""]);
    assert_eq!(underlined(&format!("\u{feff}{}", SOUND.replace("version: 1", "version: 2"))), ["1:10 2"]);
}

#[test]
fn line_ends_of_windows_change_no_place() {
    let text = SOUND.replace("[GET]", "[get]").replace("name: x", "name: >\n  x\n  y");
    let expected = ["3:3 x", "9:15 get"];
    assert_eq!(underlined(&text), expected);
    assert_eq!(underlined(&text.replace('\n', "\r\n")), expected);
    assert_eq!(report(&text.replace('\n', "\r\n")).1, report(&text).1);
}

#[test]
fn fault_behind_an_alias_is_shown_where_the_alias_is_written() {
    let text = format!(
        "{SOUND}{}",
        "  - &b { id: b, methods: [get], path: /b, public: { because: \"as above\" } }
  - { id: c, methods: &m [put], path: /c, public: { because: \"as above\" } }
  - { id: d, methods: *m, path: /d, public: { because: \"as above\" } }
  - { <<: *b, id: e, path: /e }
"
    );
    assert_eq!(underlined(&text), ["10:27 get", "11:27 put", "12:23 *m", "13:11 *b"]);
}

#[test]
fn text_that_is_no_yaml_is_shown_where_reading_ended() {
    for (text, expected) in [
        ("a: 1\na: 2\n", "2:1 a"),
        ("a: 1\r\nb:\r\n  é: 1\r\n  é: 2\r\n", "4:3 é"),
        ("é: [1\nb: 2\n", "2:2 :"),
        ("a:\n\t- b\n", "2:2 -"),
        ("é: *x\n", "1:4 *"),
        ("a: 'x", "1:4 '"),
        ("a: {b: é, b: 2}\n", "1:11 b"),
    ] {
        assert_eq!(underlined(text), [expected], "{text}");
    }
    let expected = "\
error: duplicate mapping key `version` is not allowed here
 --> x.yaml:2:1
  |
2 | version: 1
  | ^^^^^^^

x.yaml: 1 fault
";
    assert_eq!(report("version: 1\nversion: 1\n"), (1, expected.to_owned()));
}

#[test]
fn lint_fails_only_a_strict_check() {
    let folder = folder(&[("x.yaml", SOUND.replace("name: x", "name: x # \u{202e}").as_bytes())]);
    let lax = check(folder.path(), &["x.yaml"]);
    let expected = "\
warning[hidden_text]: `\\u{202e}` makes text look other than it is read
 --> x.yaml:2:11
  |
2 | name: x # \u{fffd}
  |           ^
  |
  = help: remove it, or write it as an escape in double quotes

x.yaml: sound, 1 rule, 1 lint
";
    assert_eq!(String::from_utf8(lax.stdout.clone()).unwrap(), expected);
    assert_eq!(lax.status.code(), Some(0));
    let strict = check(folder.path(), &["x.yaml", "--strict"]);
    assert_eq!((strict.status.code(), strict.stdout), (Some(1), lax.stdout));
}

#[test]
fn report_sends_no_codes_to_a_terminal() {
    for text in ["\"no\\e[31mne\": 1\n".to_owned() + SOUND, SOUND.replace("name: x", "name: \"\\e[31m\"")] {
        let (code, report) = report(&text);
        assert_eq!((code, report.contains('\u{1b}')), (1, false), "{report}");
    }
}

#[test]
fn json_names_the_place_and_the_rule() {
    let fault = json!({
        "severity": "error", "code": null, "path": "routes[0].methods[0]", "file": "x.yaml",
        "line": 7, "column": 15, "end_line": 7, "end_column": 18,
        "message": "`get` is no method in capitals", "hint": "did you mean `GET`?",
    });
    assert_eq!(findings(&SOUND.replace("[GET]", "[get]")), [fault]);
    let lint = &findings(&SOUND.replace("name: x", "name: x # \u{202e}"))[0];
    assert_eq!((&lint["severity"], &lint["code"]), (&json!("warning"), &json!("hidden_text")));
    assert_eq!(findings(SOUND), Vec::<Value>::new());
}

#[test]
fn worst_of_several_files_is_the_exit_code() {
    let faulty = SOUND.replace("[GET]", "[get]");
    let folder = folder(&[("good.yaml", SOUND.as_bytes()), ("bad.yaml", faulty.as_bytes()), ("bytes.yaml", b"\xff")]);
    for (files, code) in [
        (&["good.yaml", "good.yaml"][..], 0),
        (&["bad.yaml", "good.yaml"], 1),
        (&["bytes.yaml", "bad.yaml", "good.yaml"], 2),
        (&["nowhere.yaml"], 2),
        (&["."], 2),
        (&[], 2),
        (&["good.yaml", "--lax"], 2),
    ] {
        assert_eq!(check(folder.path(), files).status.code(), Some(code), "{files:?}");
    }
    let all = check(folder.path(), &["nowhere.yaml", "good.yaml", "bad.yaml"]);
    let expected = "\
error: the file cannot be read: No such file or directory (os error 2)
--> nowhere.yaml

good.yaml: sound, 1 rule
error: `get` is no method in capitals
 --> bad.yaml:7:15
  |
7 |     methods: [get]
  |               ^^^ routes[0].methods[0]
  |
  = help: did you mean `GET`?

bad.yaml: 1 fault
";
    assert_eq!(String::from_utf8(all.stdout).unwrap(), expected);
    let all = check(folder.path(), &["nowhere.yaml", "good.yaml", "bad.yaml", "--json"]);
    let all: Vec<Value> = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all.iter().map(|finding| &finding["file"]).collect::<Vec<_>>(), ["nowhere.yaml", "bad.yaml"]);
    assert_eq!(all[0]["line"], Value::Null);
}

#[test]
fn many_findings_are_shown_up_to_a_number() {
    let route = |number: usize| {
        format!("  - {{ id: r{number}, methods: [get], path: /r{number}, public: {{ because: a test }} }}\n")
    };
    let routes: String = (0..150).map(route).collect();
    let text =
        format!("version: 1\nname: x\nforward: {{ headers: {{}} }}\nrefusals: {{ format: bare }}\nroutes:\n{routes}");
    let (code, shown) = report(&text);
    assert_eq!((code, shown.matches("error: ").count()), (1, 100));
    assert!(
        shown.ends_with("50 more are not shown here; `--json` of `brama check` has them all\n\nx.yaml: 150 faults\n"),
        "{shown}"
    );
    assert_eq!(findings(&text).len(), 150);
}

fn ehealth() -> String {
    fs::read_to_string(shipped::folder().join("ehealth.yaml")).unwrap()
}

/// A word that YAML reads as another is told as it is written.
#[test]
fn word_of_yaml_is_told_as_it_is_written() {
    for (written, read) in [("no", "false"), ("NO", "false"), ("off", "false"), ("yes", "true"), ("on", "true")] {
        let (_code, shown) = report(&ehealth().replace("name: ehealth", &format!("name: {written}")));
        let message = format!("error: a text belongs here, not `{written}`, which YAML reads as `{read}`\n");
        let hint = format!("= help: put it in quotes: `\"{written}\"`\n");
        assert!(shown.contains(&message) && shown.contains(&hint), "{shown}");
    }
    let (_code, shown) = report(&ehealth().replace("timeout: 1s", "timeout: 1"));
    assert!(shown.contains("= help: did you mean `1s`?\n"), "{shown}");
}

#[test]
fn bytes_that_are_no_utf8_have_a_place() {
    let bytes = ["version: 1\nname: é".as_bytes(), b"\xe9x\n"].concat();
    let output = check(folder(&[("x.yaml", &bytes)]).path(), &["x.yaml"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("it is not UTF-8: the byte 0xE9 in line 2, column 8; save it as UTF-8"), "{shown}");
}

/// Half of them share what they require by an alias: one node to their author, and many to a parser.
#[test]
fn policy_of_ten_thousand_long_routes_is_read() {
    let policy = ehealth();
    let (before, _routes) = policy.split_once("routes:\n").unwrap();
    let require = "{ credentials: [token], scopes: { any: [a, b, c, d] }, owner: { param: client_id, equals: token.client_id, \
                   except_client_types: [a, b, c, d] } }";
    let route = |number: usize| {
        let require = match number {
            0 => format!("&r {require}"),
            _ if number.is_multiple_of(2) => "*r".to_owned(),
            _ => require.to_owned(),
        };
        format!(
            "  - {{ id: r{number}, methods: [GET, HEAD, PUT, POST], hosts: [a.example, b.example], path: '/r{number}/{{client_id}}', \
             require: {require} }}\n"
        )
    };
    let routes: String = (0..10_000).map(route).collect();
    let (_code, shown) = report(&format!("{before}routes:\n{routes}"));
    assert!(shown.ends_with("x.yaml: sound, 10000 rules, 1 lint\n"), "{shown}");
}
