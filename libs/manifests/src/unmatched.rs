//! A build came in that no application runs: the manifest that would change that.

use std::fmt::Write as _;

use crate::API_VERSION;
use crate::diagnostic::meant;
use crate::graph::Graph;
use crate::kinds::{Application, Kind};

impl Graph {
    /// The manifest that would match builds of this container, as YAML with comments that say
    /// what is known and what has to be filled in.
    pub fn nearest_match(&self, definition: &str, container: &str) -> String {
        let mut text = String::new();
        self.explain(definition, container, &mut text);
        let like = self
            .applications()
            .find(|it| it.build_definition == definition)
            .or_else(|| self.applications().next());
        self.snippet(definition, container, like, &mut text);
        text
    }

    fn explain(&self, definition: &str, container: &str, text: &mut String) {
        // Writing to a String cannot fail.
        let mut line = |it: String| {
            let _ok = writeln!(text, "# {it}");
        };
        match self.build_definition(definition) {
            None => {
                line(format!(
                    "There is no BuildDefinition `{}`.",
                    safe(definition)
                ));
                if let Some(near) = meant(definition, self.names(Kind::BuildDefinition)) {
                    line(format!("Did CI mean `{near}`?"));
                }
            }
            Some(it) => {
                let names: Vec<_> = it.containers.iter().map(|it| it.name.as_str()).collect();
                if !names.is_empty() && !names.contains(&container) {
                    line(format!(
                        "BuildDefinition `{definition}` builds {}, not `{}`.",
                        names.join(", "),
                        safe(container)
                    ));
                }
                for near in self
                    .applications()
                    .filter(|it| it.build_definition == definition)
                {
                    line(format!(
                        "Application `{}` runs another container of it.",
                        near.name()
                    ));
                }
            }
        }
    }

    fn snippet(
        &self,
        definition: &str,
        container: &str,
        like: Option<&Application>,
        text: &mut String,
    ) {
        let set = like.map(|it| it.application_set().to_owned());
        let set = set.or_else(|| self.names(Kind::ApplicationSet).next().map(str::to_owned));
        let track = set
            .as_deref()
            .and_then(|it| self.application_set(it))
            .map(|it| it.release_track().to_owned());
        let unit = like
            .and_then(|it| it.meta.parent(Kind::OrganizationalUnit))
            .or_else(|| self.names(Kind::OrganizationalUnit).next())
            .map(str::to_owned);
        let or_fill = |it: Option<String>| it.unwrap_or_else(|| "FILL-IN".to_owned());
        let several = self
            .build_definition(definition)
            .is_some_and(|it| it.containers.len() > 1);
        let mut lines = vec![
            format!("apiVersion: {API_VERSION}"),
            "kind: Application".to_owned(),
            "metadata:".to_owned(),
            format!("  name: {}", safe(container)),
            format!("  application-set: {}", or_fill(set)),
            format!("  release-track: {}", or_fill(track)),
            format!("  organizational-unit: {}", or_fill(unit)),
            "spec:".to_owned(),
            format!("  buildDefinition: {}", safe(definition)),
        ];
        if several {
            lines.push(format!("  container: {}", safe(container)));
        }
        for it in lines {
            text.push_str(&it);
            text.push('\n');
        }
    }
}

/// Reports come from outside: what is no name is not repeated into YAML.
fn safe(name: &str) -> &str {
    if ids::Name::parse(name).is_ok() {
        name
    } else {
        "FILL-IN"
    }
}
