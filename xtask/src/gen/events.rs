//! The catalogue of events: `docs/reference/events.md`, from the comments in `proto/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::workspace::{Workspace, has_extension};

/// The events of one package.
#[derive(Debug)]
pub(crate) struct Context {
    /// Such as `towpath.delivery.v1`.
    pub(crate) package: String,
    /// The file that declares them.
    pub(crate) path: String,
    about: String,
    /// What is stored: messages that are no part of another.
    pub(crate) events: Vec<Message>,
    values: Vec<Message>,
    choices: Vec<Choice>,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Message {
    /// Such as `BuildReported`.
    pub(crate) name: String,
    about: String,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    number: i32,
    name: String,
    kind: String,
    about: String,
}

/// An enumeration.
#[derive(Debug)]
struct Choice {
    name: String,
    about: String,
    /// Number, name, comment.
    values: Vec<(i32, String, String)>,
}

/// Reads every `events.proto` below `proto/`.
pub(crate) fn contexts(workspace: &Workspace) -> Result<Vec<Context>> {
    let sources: BTreeMap<String, String> = workspace
        .files()
        .filter(|(path, _)| path.starts_with("proto/") && has_extension(path, "proto"))
        .map(|(path, text)| (path["proto/".len()..].to_owned(), text.to_owned()))
        .collect();
    let wanted: Vec<String> = sources
        .keys()
        .filter(|path| path.ends_with("/events.proto"))
        .cloned()
        .collect();
    let mut resolver = ChainFileResolver::new();
    resolver.add(InMemory(sources));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_source_info(true).include_imports(false);
    for path in &wanted {
        compiler
            .open_file(path)
            .with_context(|| format!("cannot compile proto/{path}"))?;
    }
    Ok(compiler
        .file_descriptor_set()
        .file
        .iter()
        .map(context)
        .collect())
}

/// Writes the catalogue.
pub(crate) fn render(workspace: &Workspace) -> Result<String> {
    let contexts = contexts(workspace)?;
    let mut text = "# Events\n\n<!-- Written by `cargo xtask gen` from the comments in proto/; edit those. -->\n\n\
        Everything the log stores, by the package that owns it. An event's full name is its package \
        and its own name, as in `towpath.delivery.v1.BuildReported`.\n"
        .to_owned();
    for context in &contexts {
        context.render(&mut text);
    }
    Ok(text)
}

struct InMemory(BTreeMap<String, String>);

impl FileResolver for InMemory {
    fn resolve_path(&self, path: &std::path::Path) -> Option<String> {
        path.to_str()
            .filter(|path| self.0.contains_key(*path))
            .map(str::to_owned)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let source = self
            .0
            .get(name)
            .ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, source)
    }
}

/// Comments by the path of what they stand above, as descriptors count it.
type Comments = BTreeMap<Vec<i32>, String>;

// Field numbers of google/protobuf/descriptor.proto, of which such paths are made.
const PACKAGE_OF_FILE: i32 = 2;
const MESSAGES_OF_FILE: i32 = 4;
const ENUMS_OF_FILE: i32 = 5;
const FIELDS_OF_MESSAGE: i32 = 2;
const VALUES_OF_ENUM: i32 = 2;

fn context(file: &FileDescriptorProto) -> Context {
    let comments: Comments = file
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .map(|location| {
            let trailing = location.trailing_comments.as_deref();
            let text = location
                .leading_comments
                .as_deref()
                .or(trailing)
                .unwrap_or_default();
            (location.path.clone(), one_line(text))
        })
        .collect();
    let held: BTreeSet<&str> = file
        .message_type
        .iter()
        .flat_map(|message| &message.field)
        .map(|field| field.type_name().rsplit('.').next().unwrap_or_default())
        .collect();
    let messages = (0..)
        .zip(&file.message_type)
        .map(|(at, it)| message(it, at, &comments));
    let (values, events) = messages.partition(|message| held.contains(message.name.as_str()));
    Context {
        package: file.package().to_owned(),
        path: format!("proto/{}", file.name()),
        about: comment(&comments, &[PACKAGE_OF_FILE]),
        events,
        values,
        choices: (0..)
            .zip(&file.enum_type)
            .map(|(at, it)| choice(it, at, &comments))
            .collect(),
    }
}

fn message(message: &DescriptorProto, at: i32, comments: &Comments) -> Message {
    let fields = (0..).zip(&message.field).map(|(place, field)| Field {
        number: field.number(),
        name: field.name().to_owned(),
        kind: kind(field),
        about: comment(comments, &[MESSAGES_OF_FILE, at, FIELDS_OF_MESSAGE, place]),
    });
    Message {
        name: message.name().to_owned(),
        about: comment(comments, &[MESSAGES_OF_FILE, at]),
        fields: fields.collect(),
    }
}

fn choice(choice: &EnumDescriptorProto, at: i32, comments: &Comments) -> Choice {
    let values = (0..).zip(&choice.value).map(|(place, value)| {
        let about = comment(comments, &[ENUMS_OF_FILE, at, VALUES_OF_ENUM, place]);
        (value.number(), value.name().to_owned(), about)
    });
    Choice {
        name: choice.name().to_owned(),
        about: comment(comments, &[ENUMS_OF_FILE, at]),
        values: values.collect(),
    }
}

fn comment(comments: &Comments, path: &[i32]) -> String {
    comments.get(path).cloned().unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A field's type as it is written in the source.
fn kind(field: &FieldDescriptorProto) -> String {
    let is_named = matches!(field.r#type(), Type::Message | Type::Enum | Type::Group);
    let plain = if is_named {
        field
            .type_name()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    } else {
        field
            .r#type()
            .as_str_name()
            .trim_start_matches("TYPE_")
            .to_lowercase()
    };
    if field.label() == Label::Repeated {
        format!("repeated {plain}")
    } else if field.proto3_optional() {
        format!("optional {plain}")
    } else {
        plain
    }
}

impl Context {
    fn render(&self, text: &mut String) {
        let Self {
            package,
            path,
            about,
            events,
            values,
            choices,
        } = self;
        let _infallible = write!(text, "\n## {package}\n\n");
        if !about.is_empty() {
            let _infallible = write!(text, "{about} ");
        }
        let _infallible = writeln!(text, "Declared in `{path}`.");
        for event in events {
            event.render(text, "###");
        }
        if !values.is_empty() || !choices.is_empty() {
            let _infallible = writeln!(text, "\n### Parts of these events");
        }
        for value in values {
            value.render(text, "####");
        }
        for choice in choices {
            choice.render(text);
        }
    }
}

impl Message {
    fn render(&self, text: &mut String, level: &str) {
        heading(text, level, &self.name, &self.about);
        if self.fields.is_empty() {
            text.push_str("\nNo fields.\n");
            return;
        }
        text.push_str("\n| # | field | type | |\n|---|---|---|---|\n");
        for Field {
            number,
            name,
            kind,
            about,
        } in &self.fields
        {
            let _infallible = writeln!(text, "| {number} | `{name}` | {kind} | {} |", cell(about));
        }
    }
}

impl Choice {
    fn render(&self, text: &mut String) {
        heading(text, "####", &self.name, &self.about);
        text.push_str("\n| # | value | |\n|---|---|---|\n");
        for (number, name, about) in &self.values {
            let _infallible = writeln!(text, "| {number} | `{name}` | {} |", cell(about));
        }
    }
}

fn heading(text: &mut String, level: &str, name: &str, about: &str) {
    let _infallible = writeln!(text, "\n{level} {name}");
    if !about.is_empty() {
        let _infallible = writeln!(text, "\n{about}");
    }
}

/// Text that cannot end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = r#"syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "towpath/b/v1/shared.proto";
// What the role a records.
package towpath.a.v1;

// It happened.
// Twice over.
message Happened {
  // Who | what.
  string name = 1;
  repeated Part parts = 2;
  optional uint32 count = 7;
  google.protobuf.Timestamp at = 8;
  towpath.b.v1.Shared shared = 9;
  Colour colour = 10;
}
// One part.
message Part { bytes id = 1; }
message Ended {}
enum Colour {
  // Not said.
  COLOUR_UNSPECIFIED = 0;
}
"#;

    fn workspace() -> Workspace {
        let shared = "syntax = \"proto3\"; package towpath.b.v1; message Shared {}";
        Workspace::of(&[
            ("proto/towpath/a/v1/events.proto", EVENTS),
            ("proto/towpath/a/v1/service.proto", "this is not read"),
            ("proto/towpath/b/v1/shared.proto", shared),
        ])
    }

    #[test]
    fn events_are_the_messages_that_are_no_part_of_another() {
        let contexts = contexts(&workspace()).unwrap();
        assert_eq!(contexts.len(), 1);
        let names: Vec<_> = contexts[0]
            .events
            .iter()
            .map(|event| event.name.as_str())
            .collect();
        assert_eq!(names, ["Happened", "Ended"]);
    }

    #[test]
    fn the_catalogue_says_what_the_comments_say() {
        let text = render(&workspace()).unwrap();
        for line in [
            "## towpath.a.v1",
            "What the role a records. Declared in `proto/towpath/a/v1/events.proto`.",
            "### Happened",
            "It happened. Twice over.",
            "| 1 | `name` | string | Who \\| what. |",
            "| 2 | `parts` | repeated Part |  |",
            "| 7 | `count` | optional uint32 |  |",
            "| 8 | `at` | Timestamp |  |",
            "| 9 | `shared` | Shared |  |",
            "No fields.",
            "### Parts of these events",
            "| 0 | `COLOUR_UNSPECIFIED` | Not said. |",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no line {line:?} in\n{text}"
            );
        }
    }

    #[test]
    fn a_source_that_does_not_compile_is_an_error_that_names_it() {
        let broken = Workspace::of(&[("proto/towpath/a/v1/events.proto", "message {")]);
        let error = format!("{:#}", render(&broken).unwrap_err());
        assert!(error.contains("proto/towpath/a/v1/events.proto"), "{error}");
    }
}
