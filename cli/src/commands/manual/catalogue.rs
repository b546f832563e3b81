//! What `proto/` says of calls and events: read from the descriptors that every server shows to
//! whoever asks for reflection.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

// Field numbers of google/protobuf/descriptor.proto, of which paths to comments are made.
const MESSAGES_OF_FILE: i32 = 4;
const SERVICES_OF_FILE: i32 = 6;
const METHODS_OF_SERVICE: i32 = 2;

/// Every file of `proto/`.
pub(super) struct Catalogue(Vec<FileDescriptorProto>);

/// One method of a gRPC service.
pub(super) struct Call {
    /// `/package.Service/Method`.
    pub(super) path: String,
    /// `Method`.
    pub(super) name: String,
    /// One request is answered with any number of messages.
    pub(super) is_stream: bool,
    /// It changes something: whatever does can be tried with `dry_run`.
    pub(super) changes: bool,
    /// What its comment says.
    pub(super) about: String,
}

/// One event that is stored.
pub(super) struct Event {
    /// Without its package.
    pub(super) name: String,
    /// What its comment says.
    pub(super) about: String,
}

impl Catalogue {
    /// That of this binary.
    pub(super) fn read() -> Result<Self, prost::DecodeError> {
        FileDescriptorSet::decode(proto::DESCRIPTORS).map(|it| Self(it.file))
    }

    /// The methods of a service with this full name.
    pub(super) fn calls(&self, service: &str) -> Vec<Call> {
        let in_file = |file| {
            services(file).filter_map(move |(at, it, name)| {
                (name == service).then(|| calls(file, at, it, &name))
            })
        };
        self.0.iter().flat_map(in_file).flatten().collect()
    }

    /// The events of a package: messages that are no part of another.
    pub(super) fn events(&self, package: &str) -> Vec<Event> {
        let files = self.0.iter().filter(|it| holds_events(it));
        let file = files.filter(|it| it.package() == package);
        file.flat_map(events).collect()
    }
}

#[cfg(test)]
impl Catalogue {
    /// Full names of all services.
    pub(super) fn services(&self) -> BTreeSet<String> {
        let all = self.0.iter().flat_map(services);
        all.map(|(_, _, name)| name).collect()
    }

    /// Packages that declare events.
    pub(super) fn packages(&self) -> BTreeSet<&str> {
        let files = self.0.iter().filter(|it| holds_events(it));
        files.map(FileDescriptorProto::package).collect()
    }
}

fn holds_events(file: &FileDescriptorProto) -> bool {
    file.name().ends_with("/events.proto")
}

/// The services of a file: place, descriptor, full name.
fn services(
    file: &FileDescriptorProto,
) -> impl Iterator<Item = (i32, &ServiceDescriptorProto, String)> {
    let named = |it: &ServiceDescriptorProto| format!("{}.{}", file.package(), it.name());
    (0..)
        .zip(&file.service)
        .map(move |(at, it)| (at, it, named(it)))
}

fn calls(
    file: &FileDescriptorProto,
    at: i32,
    service: &ServiceDescriptorProto,
    full_name: &str,
) -> Vec<Call> {
    let of = |(place, it): (i32, &prost_types::MethodDescriptorProto)| {
        let request = it.input_type().rsplit('.').next().unwrap_or_default();
        let request = file.message_type.iter().find(|it| it.name() == request);
        let can_be_tried =
            |it: &DescriptorProto| it.field.iter().any(|field| field.name() == "dry_run");
        Call {
            path: format!("/{full_name}/{}", it.name()),
            name: it.name().to_owned(),
            is_stream: it.server_streaming(),
            changes: request.is_some_and(can_be_tried),
            about: comment(file, &[SERVICES_OF_FILE, at, METHODS_OF_SERVICE, place]),
        }
    };
    (0..).zip(&service.method).map(of).collect()
}

fn events(file: &FileDescriptorProto) -> Vec<Event> {
    let fields = file.message_type.iter().flat_map(|it| &it.field);
    let parts: BTreeSet<_> = fields
        .filter_map(|it| it.type_name().rsplit('.').next())
        .collect();
    let messages = (0..).zip(&file.message_type);
    let events = messages.filter(|(_, it)| !parts.contains(it.name()));
    let of = |(at, it): (i32, &DescriptorProto)| Event {
        name: it.name().to_owned(),
        about: comment(file, &[MESSAGES_OF_FILE, at]),
    };
    events.map(of).collect()
}

/// The comment above what a path leads to, on one line.
fn comment(file: &FileDescriptorProto, path: &[i32]) -> String {
    let mut locations = file.source_code_info.iter().flat_map(|it| &it.location);
    let found = locations.find(|it| it.path == path);
    let text = found.map_or("", |it| it.leading_comments());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
