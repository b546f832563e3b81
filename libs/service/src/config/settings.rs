//! Every setting: its key in the file, its variable, what it says. The reference is made of it.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// In `towpath.toml`, tables before the dot.
    pub key: &'static str,
    /// In the environment; empty when it is set in the file or by a flag only.
    pub variable: &'static str,
    /// What it says.
    pub what: &'static str,
}

const fn setting(key: &'static str, variable: &'static str, what: &'static str) -> Setting {
    Setting {
        key,
        variable,
        what,
    }
}

/// All of them, in the order of the file.
pub const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        "TOWPATH_LISTEN",
        "Address and port of the one front; anything but loopback needs `[tls]`",
    ),
    setting(
        "layouts",
        "TOWPATH_LAYOUTS",
        "What relative paths of OCI layouts in manifests are relative to; default: the data directory",
    ),
    setting(
        "manifests.url",
        "TOWPATH_MANIFESTS_URL",
        "The manifests repository: a path or URL that git understands, without credentials",
    ),
    setting(
        "manifests.branch",
        "TOWPATH_MANIFESTS_BRANCH",
        "The branch that environments follow",
    ),
    setting(
        "manifests.look_every_ms",
        "",
        "How often the branch is looked at without being told, at least 50",
    ),
    setting(
        "author.name",
        "TOWPATH_AUTHOR_NAME",
        "Who Towpath's commits are by",
    ),
    setting(
        "author.email",
        "TOWPATH_AUTHOR_EMAIL",
        "Their address; may not be empty",
    ),
    setting("tls.certificate", "", "Certificate chain, PEM"),
    setting("tls.key", "", "Its private key, PEM"),
    setting(
        "log.backend",
        "TOWPATH_LOG_BACKEND",
        "`sqlite`, a file in the data directory, or `nats`",
    ),
    setting(
        "log.url",
        "TOWPATH_LOG_URL",
        "NATS servers, separated by commas: `tls://`, or `nats://` on this machine or with `log.ca`",
    ),
    setting("log.user", "TOWPATH_LOG_USER", "The NATS user of the role"),
    setting(
        "log.password_file",
        "TOWPATH_LOG_PASSWORD_FILE",
        "A file with that user's password",
    ),
    setting(
        "log.ca",
        "TOWPATH_LOG_CA",
        "Certificates to trust when connecting to NATS, PEM",
    ),
    setting(
        "log.replicas",
        "TOWPATH_LOG_REPLICAS",
        "How many NATS servers keep a copy: 1, 3 or 5",
    ),
    setting(
        "log.profile",
        "TOWPATH_LOG_PROFILE",
        "`development`, or `production`, which refuses servers that are known to lose commits",
    ),
    setting(
        "log.synced",
        "TOWPATH_LOG_SYNCED",
        "Whether the NATS servers run with `sync_interval: always`; a client cannot see it",
    ),
    setting(
        "reads.url",
        "TOWPATH_READS_URL",
        "PostgreSQL for read models and the archive: `postgres://user@host/database`; default: a file in the data directory",
    ),
    setting(
        "reads.password_file",
        "TOWPATH_READS_PASSWORD_FILE",
        "A file with its password",
    ),
    setting(
        "roles.cd-manager",
        "TOWPATH_ROLES_CD_MANAGER",
        "Where this role answers, when it runs elsewhere: `http://` or `https://`; cd-manager needs all that do",
    ),
    setting("roles.releaser", "TOWPATH_ROLES_RELEASER", "The same"),
    setting(
        "roles.approval-ledger",
        "TOWPATH_ROLES_APPROVAL_LEDGER",
        "The same",
    ),
    setting("roles.changelog", "TOWPATH_ROLES_CHANGELOG", "The same"),
    setting("roles.runner", "TOWPATH_ROLES_RUNNER", "The same"),
    setting("roles.forge", "TOWPATH_ROLES_FORGE", "The same"),
    setting(
        "roles.ca",
        "TOWPATH_ROLES_CA",
        "Certificates to trust when calling other roles, PEM",
    ),
    setting(
        "forge.github.api_url",
        "TOWPATH_FORGE_GITHUB_API_URL",
        "Where GitHub's API is, such as `https://github.example.com/api/v3`; default: `https://api.github.com`",
    ),
    setting(
        "forge.github.login",
        "TOWPATH_FORGE_GITHUB_LOGIN",
        "Who Towpath is there, such as `towpath[bot]`: labels that others set are theirs",
    ),
    setting(
        "forge.github.webhook_secret_file",
        "TOWPATH_FORGE_GITHUB_WEBHOOK_SECRET_FILE",
        "A file with the secret of the webhook; while it is replaced, the old one and the new one, one a line; default: GitHub is left alone",
    ),
    setting(
        "forge.github.token_file",
        "TOWPATH_FORGE_GITHUB_TOKEN_FILE",
        "A file with a token that may read and write pull requests",
    ),
    setting(
        "forge.github.look_every_ms",
        "TOWPATH_FORGE_GITHUB_LOOK_EVERY_MS",
        "How often open pull requests are looked at without a webhook, at least 1000; default: 600000",
    ),
    setting(
        "forge.github.ca",
        "TOWPATH_FORGE_GITHUB_CA",
        "Certificates to trust when calling GitHub, PEM; default: the public authorities",
    ),
    setting(
        "telemetry.otlp",
        "TOWPATH_TELEMETRY_OTLP",
        "An OTLP receiver that speaks gRPC, for traces; default: none",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// A value that a setting can have and does not have by default.
    fn other(key: &str) -> &'static str {
        match key {
            "log.backend" => "nats",
            "log.profile" => "production",
            "log.replicas" | "forge.github.look_every_ms" => "3",
            "log.synced" => "true",
            _ => "http://other",
        }
    }

    #[test]
    fn every_variable_sets_its_key_and_every_key_can_be_written() {
        let dir = tempfile::tempdir().unwrap();
        for it in SETTINGS {
            let value = other(it.key);
            let text = match (it.key, value) {
                ("manifests.look_every_ms", _) => "[manifests]\nlook_every_ms = 70\n".to_owned(),
                ("tls.certificate" | "tls.key", _) => {
                    "[tls]\ncertificate = \"c\"\nkey = \"k\"\n".to_owned()
                }
                (key, value) => {
                    let (table, name) = key.split_once('.').unwrap_or(("", key));
                    let table = if table.is_empty() {
                        String::new()
                    } else {
                        format!("[{table}]\n")
                    };
                    let plain = value.parse::<u8>().is_ok() || value == "true";
                    let value = if plain {
                        value.to_owned()
                    } else {
                        format!("\"{value}\"")
                    };
                    format!("{table}{name} = {value}\n")
                }
            };
            let from_file: Config =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{text}{error}"));
            assert_ne!(from_file, Config::default(), "{}", it.key);
            if !it.variable.is_empty() {
                let env = [(it.variable.to_owned(), value.to_owned())];
                let from_env = Config::load(dir.path(), env).unwrap();
                assert_eq!(from_env, from_file, "{}", it.variable);
            }
        }
    }
}
