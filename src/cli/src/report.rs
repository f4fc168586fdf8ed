//! Owns the report of findings: text in the manner of rustc for people, JSON for programs.

use std::io::IsTerminal;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use brama_policy::authoring::Blamed;
use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::output::untrusted;
use crate::places::{Place, Places};

/// The findings about one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: String,
    text: String,
    /// `None` where the text is no YAML.
    places: Option<Places>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    finding: Finding,
    /// The bytes that are underlined, within one line; `None` for the file as a whole.
    span: Option<Range<usize>>,
}

/// The choice between text for a coloured terminal and plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Terminal,
    Plain,
}

impl Colour {
    /// Colour if `stream` is a terminal and `NO_COLOR` is unset or empty (<https://no-color.org>).
    pub(crate) fn on(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !refused { Self::Terminal } else { Self::Plain }
    }
}

impl Report {
    /// A report without findings about the file at `path`, which holds `text`.
    pub(crate) fn new(path: &Path, text: String) -> Self {
        let places = Places::read(&text).ok();
        Self { file: path.display().to_string(), text, places, entries: Vec::new() }
    }

    /// The places of the file's values; `None` where the text is no YAML.
    pub(crate) const fn places(&self) -> Option<&Places> {
        self.places.as_ref()
    }

    /// Adds a finding at the place that its path names.
    pub(crate) fn add(&mut self, mut finding: Finding) {
        let place = self.places.as_ref().and_then(|places| places.find(&finding.path));
        if let Some(written) = place.and_then(|place| place.value_text()) {
            finding.say_as_written(written);
        }
        let span = place.and_then(|place| {
            let narrow = finding.part.as_ref().and_then(|part| part_of(&self.text, part, &place));
            first_line(&self.text, narrow.unwrap_or_else(|| underlined(&self.text, &finding, &place)))
        });
        self.entries.push(Entry { finding, span });
    }

    /// Adds a finding at a place that has no path.
    pub(crate) fn add_at(&mut self, finding: Finding, span: Range<usize>) {
        let span = first_line(&self.text, span);
        self.entries.push(Entry { finding, span });
    }

    pub(crate) fn faults(&self) -> usize {
        self.entries.iter().filter(|entry| entry.finding.severity == Severity::Fault).count()
    }

    pub(crate) fn lints(&self) -> usize {
        self.entries.len() - self.faults()
    }

    /// The entries in the order of the file, after those that have no place in it.
    fn in_order(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.span.as_ref().map(|span| span.start));
        entries
    }

    /// Each finding with its line, the place underlined and named, the reason, and a hint.
    pub(crate) fn human(&self, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Terminal => Renderer::styled(),
            Colour::Plain => Renderer::plain(),
        };
        let entries = self.in_order();
        // A finding is rendered with its line, which takes time; nobody reads thousands.
        let mut text: String =
            entries.iter().take(MAX_SHOWN).map(|entry| format!("{}\n\n", self.shown(entry, &renderer))).collect();
        let more = entries.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            text.push_str(&format!("{more} more are not shown here; `--json` of `brama check` has them all\n\n"));
        }
        text
    }

    fn shown(&self, Entry { finding, span }: &Entry, renderer: &Renderer) -> String {
        let title = match finding.severity {
            Severity::Fault => Level::ERROR.primary_title(finding.message.as_str()),
            Severity::Lint(code) => Level::WARNING.primary_title(finding.message.as_str()).id(code),
        };
        let group = match span {
            Some(span) => {
                let label = Some(untrusted(&finding.path)).filter(|path| !path.is_empty());
                let annotation = AnnotationKind::Primary.span(span.clone()).label(label);
                title.element(Snippet::source(self.text.as_str()).path(self.file.as_str()).annotation(annotation))
            }
            None => title.element(Origin::path(self.file.as_str())),
        };
        let hint = finding.hint.iter().map(|hint| Level::HELP.message(untrusted(hint)));
        renderer.render(&[group.elements(hint)])
    }

    /// The last line about the file: `x.yaml: 2 faults, 1 lint`, or `x.yaml: sound, 3 rules` if `rules` is given.
    pub(crate) fn summary(&self, rules: Option<usize>) -> String {
        let verdict = match rules {
            Some(rules) => format!("sound, {}", counted(rules, "rule")),
            None => counted(self.faults(), "fault"),
        };
        let lints = match self.lints() {
            0 => String::new(),
            lints => format!(", {}", counted(lints, "lint")),
        };
        format!("{}: {verdict}{lints}\n", untrusted(&self.file))
    }

    /// Each finding as an object. Lines and columns count from 1, columns in characters; the end is the first character
    /// that is not part of the place. Without a place in the file they are null.
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = Lines::of(&self.text);
        let objects = self.in_order().into_iter().map(|Entry { finding, span }| {
            let (severity, code) = match finding.severity {
                Severity::Fault => ("error", None),
                Severity::Lint(code) => ("warning", Some(code)),
            };
            let start = span.as_ref().map(|span| lines.position(span.start));
            let end = span.as_ref().map(|span| lines.position(span.end));
            json!({
                "severity": severity,
                "code": code,
                "path": finding.path,
                "file": self.file,
                "line": start.map(|start| start.line),
                "column": start.map(|start| start.column),
                "end_line": end.map(|end| end.line),
                "end_column": end.map(|end| end.column),
                "message": finding.message,
                "hint": finding.hint,
            })
        });
        objects.collect()
    }
}

/// The bytes to underline at `place`: the key or the value, whichever the message is about.
///
/// A path leads to a key and to its value alike, and a message of the core quotes the faulty text first. So the quoted
/// word tells: ``unknown key `nmae` `` is about the key, ``unknown word `xml` `` about the value, and a word that is a
/// key within the value about that one. If no such word is quoted, it is the value; of a list or an object over several
/// lines, it is the key.
fn underlined(text: &str, finding: &Finding, place: &Place<'_>) -> Range<usize> {
    let (key, value) = (place.key(), place.value());
    let quotes = |written: Option<&str>| written.is_some_and(|written| finding.quotes(written));
    let is_about_key =
        quotes(place.key_text()) && (finding.message.starts_with("unknown key ") || !quotes(place.value_text()));
    let written = text.get(value.clone()).unwrap_or_default();
    let is_one_thing = place.value_text().is_some() || !place.is_block() && !written.contains(LINE_ENDS);
    match (key, place.members().find(|member| quotes(member.key_text()))) {
        (Some(key), _) if is_about_key => key,
        (_, Some(member)) => member.key().unwrap_or(value),
        (Some(key), None) if written.is_empty() || !is_one_thing => key,
        (_, None) => value,
    }
}

/// The bytes of the part that a finding is about; `None` if the file does not hold that text as it was read, or holds
/// it twice.
fn part_of(text: &str, part: &Blamed, place: &Place<'_>) -> Option<Range<usize>> {
    let span = place.value();
    let written = text.get(span.clone())?;
    let (at, length) = match part {
        Blamed::Sign(before) => {
            let whole = place.value_text()?;
            // The file holds the text unchanged where YAML changes nothing in it.
            let start = written.find(whole)?;
            let (at, sign) = whole.char_indices().nth(*before).or_else(|| whole.char_indices().last())?;
            (start + at, sign.len_utf8())
        }
        Blamed::Words(words) => {
            let mut found = written.match_indices(words.as_str());
            let (at, words) = found.next().filter(|_first| found.next().is_none())?;
            (at, words.len())
        }
    };
    Some(span.start + at..span.start + at + length)
}

/// The part of `span` in its first line, without the space at its end; `None` if the span is outside of the text.
fn first_line(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let line = text.get(span.clone())?.split(LINE_ENDS).next()?;
    Some(span.start..span.start + line.trim_end().len())
}

/// A place as people count it: line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: usize,
    column: usize,
}

/// A text with the starts of its lines, so that places are found fast in a long text too.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let starts = [0].into_iter().chain(text.match_indices('\n').map(|(newline, _)| newline + 1));
        Self { text, starts: starts.collect() }
    }

    fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..byte).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// The limit on findings that are shown as text.
const MAX_SHOWN: usize = 100;
