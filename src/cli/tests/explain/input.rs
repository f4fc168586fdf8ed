//! The input of `brama explain`: headers, and statements of credentials, from the command line and from files.

use std::io::Write;
use std::process::{Command, Stdio};

use super::{EVERYTHING, explain, explained, policies};

/// Wherever a secret stands on the command line, the well meant and the mistaken places alike, it is not repeated.
#[test]
fn secrets_are_not_repeated() {
    let path = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1?key=s3cret";
    let request = ["ehealth.yaml", "--method", "DELETE", "--path", path];
    for further in [
        &["--header", "authorization: Bearer s3cret", "--api-key", "@mis"][..],
        &["--header", "authorization: s3cret", "--header", "api-key: s3cret"],
        &["--header", "authorization: Bearer s3cret", "--header", "authorization: Bearer s3cret", "--api-key", "@mis"],
        &["--header", "authorization: Bearer s3cret", "--api-key", "@mis", "--token", "@msp", "--json"],
        &["--header", "x-consumer-id: s3cret", "--header", "cookie: s3cret", "--api-key", "@mis", "--token", "@msp"],
        &["--header", "authorization s3cret"],
        &["--header", "s3cret"],
        &["--header", "s3cret s3cret: x"],
        &["--token", "s3cret"],
        &["--api-key", "s3cret"],
    ] {
        let output = explain(&policies(), &[&request[..], further].concat());
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8(said).unwrap().contains("s3cret"), "{further:?}");
    }
}

#[test]
fn what_cannot_be_understood_is_named_with_exit_code_2() {
    let request = ["ehealth.yaml", "--method", "GET", "--path", "/readyz"];
    for (further, words) in [
        (&["--token", "@msp_raeder"][..], "--token: `msp_raeder` is none of `tokens` in ehealth.cases.yaml"),
        (&["--token", "@msp_raeder"], "did you mean `msp_reader`?"),
        (&["--api-key", "@hospital"], "there are `mis`, `pharmacy`"),
        (
            &["--api-key", "@mis", "--cases", "nowhere.yaml"],
            "identities are named in nowhere.yaml, which cannot be read",
        ),
        (&["--api-key", "@mis", "--cases", "ehealth.yaml"], "ehealth.yaml has no `api_keys`"),
        (&["--token", "refuse"], "did you mean `refused`?"),
        (&["--token", "facts.json"], "write `{facts}`, a file of them"),
        (&["--token", r#"{"scope": 1}"#], "--token: `scope` must be a list of scopes"),
        (&["--token", r#"{"role": "x"}"#], "`role` is no fact of `token`"),
        (&["--token", r#"{"scope": "a", "scope": "b"}"#], "duplicate"),
        (&["--token", "-", "--api-key", "-"], "standard input has one statement"),
        (&["--header", "host: x"], "the host is given with `--host`"),
        (&["--credential", "tokn=none"], "--credential: the policy knows no `tokn`; did you mean `token`?"),
        (&["--credential", "token=none", "--token", "none"], "--credential: `token` is stated twice"),
    ] {
        let output = explain(&policies(), &[&request[..], further].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{further:?}");
    }
}

#[test]
fn policy_with_faults_is_no_refusal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), EVERYTHING.replace("[PUT]", "[put]")).unwrap();
    let output = explain(folder.path(), &["x.yaml", "--method", "GET", "--path", "/"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("`put` is no method in capitals"));
}

#[test]
fn facts_are_read_from_a_file_and_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), EVERYTHING).unwrap();
    std::fs::write(folder.path().join("facts.json"), r#"{ "subject": "from a file" }"#).unwrap();
    std::fs::write(folder.path().join("token.txt"), "s3cret\n").unwrap();
    let request = ["x.yaml", "--method", "GET", "--path", "/notes", "--host", "a.example", "--token"];
    let (code, shown) = explained(folder.path(), &[&request[..], &["facts.json"]].concat());
    assert!(code == 0 && shown.contains("set x-user: from a file"), "{shown}");
    let output = explain(folder.path(), &[&request[..], &["token.txt"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("this holds no object of facts") && !said.contains("s3cret"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    command.arg("explain").args(request).arg("-").current_dir(folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(br#"{ "subject": "from a pipe" }"#).unwrap();
    let shown = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(shown.contains("set x-user: from a pipe"), "{shown}");
}

#[test]
fn credential_that_the_policy_lacks_may_be_none_where_the_flag_is_every_policys() {
    let request = ["partners.yaml", "--method", "GET", "--path", "/docs/a"];
    for (further, code) in [
        (&["--token", "none"][..], 0),
        (&["--token", "refused"], 2),
        (&["--credential", "session=none"], 0),
        (&["--credential", "sesion=none"], 2),
    ] {
        let output = explain(&policies().join("examples"), &[&request[..], further].concat());
        assert_eq!(output.status.code(), Some(code), "{further:?}");
    }
}

#[test]
fn place_that_a_credential_is_taken_out_of_is_told() {
    let explained = |path: &str, further: &[&str]| {
        let request = ["partners.yaml", "--method", "GET", "--path", path];
        explained(&policies().join("examples"), &[&request[..], further].concat()).1
    };
    let (query, cookie) = ("a credential is taken out of the query\n", "a credential is taken out of `cookie`\n");
    for (path, further, told) in [
        ("/docs/a?access_token=s3cret&b", &["--header", "cookie: a=b; session=s3cret"][..], [true, true]),
        ("/docs/a?access_token=s3cret", &[], [true, false]),
        ("/docs/a?b", &["--header", "cookie: a=b; session=s3cret"], [false, true]),
        // Of `cookie` nothing is left: it is among what is removed.
        ("/docs/a?b", &["--header", "cookie: session=s3cret"], [false, false]),
        ("/docs/a?b", &["--header", "cookie: a=b"], [false, false]),
    ] {
        let text = explained(path, further);
        assert_eq!([query, cookie].map(|line| text.contains(line)), told, "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
