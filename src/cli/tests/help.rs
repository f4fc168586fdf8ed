//! What the command says of itself: every example in its help works as it is written, and every command has a page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn brama(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brama")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The commands, by the pages that are made of their declarations.
fn commands() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let output = brama(&["man", "--dir", "."], folder.path());
    assert!(output.status.success(), "{}", text(output.stderr));
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut commands: Vec<_> =
        names.filter_map(|name| Some(name.strip_prefix("brama-")?.strip_suffix(".1")?.to_owned())).collect();
    commands.sort();
    commands
}

/// The examples in a command's help: one behind `Example: `, or several below `Examples:`, of which a `\` at the end
/// of a line goes on in the next.
fn examples(command: &str) -> Vec<String> {
    let help = text(brama(&[command, "--help"], Path::new(".")).stdout);
    if let Some((_before, example)) = help.split_once("\nExample: ") {
        return vec![example.trim_end().to_owned()];
    }
    let (_before, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{command} has no example"));
    let joined = examples.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A copy of what examples read, in which they may write what they like.
fn project() -> TempDir {
    let (folder, root) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    copy(&root.join("policies"), &folder.path().join("policies"));
    // The plugin is built by other means; its first bytes are all that is looked at here.
    fs::create_dir(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/brama_filter.wasm"), b"\0asm\x01\0\0\0").unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// A folder in which the shell finds the command under its name.
fn path_with_brama() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(PathBuf::from(env!("CARGO_BIN_EXE_brama")), folder.path().join("brama")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    (folder, path)
}

/// An example ends with 0, or says in a comment with which code it ends.
#[test]
fn examples_work_as_they_are_written() {
    let (project, (_folder, path)) = (project(), path_with_brama());
    for command in commands() {
        for example in examples(&command) {
            assert!(example.contains(&format!("brama {command} ")), "{command}: {example}");
            let expected =
                example.split_once("# exits with ").map_or(0, |(_before, code)| code.trim().parse().unwrap());
            let mut shell = Command::new("sh");
            let output = shell.args(["-c", &example]).env("PATH", &path).current_dir(project.path()).output().unwrap();
            let said = format!("{example}: {}{}", text(output.stdout), text(output.stderr));
            assert_eq!(output.status.code(), Some(expected), "{said}");
        }
    }
}

#[test]
fn every_command_says_what_its_exit_codes_mean() {
    for command in commands() {
        let help = text(brama(&[&command, "--help"], Path::new(".")).stdout);
        assert!(help.contains("\nExit codes: 0, "), "{command}: {help}");
    }
}

#[test]
fn page_is_named_after_its_command() {
    for (arguments, title) in
        [(&["man"][..], "brama"), (&["man", "check"], "brama-check"), (&["man", "man"], "brama-man")]
    {
        let page = text(brama(arguments, Path::new(".")).stdout).replace('\\', "");
        assert!(page.contains(&format!(".TH {title} 1 ")), "{page}");
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let output = brama(&["man", "chekc"], Path::new("."));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(output.stderr).contains("`chekc` is no command of brama"));
    assert_eq!(brama(&["man", "--dir", "nowhere/at/all"], Path::new(".")).status.code(), Some(2));
}

#[test]
fn shells_are_told_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(brama(&["completions", shell], Path::new(".")).stdout);
        assert!(commands().iter().all(|command| script.contains(command.as_str())), "{shell}");
    }
    assert_eq!(brama(&["completions", "cmd"], Path::new(".")).status.code(), Some(2));
}
