//! `towpath up`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    /// The manifests repository: a path or a URL that git understands.
    #[arg(long, value_name = "URL")]
    pub(crate) manifests: Option<String>,
    /// The branch that environments follow.
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Name of the author of Towpath's commits.
    #[arg(long, value_name = "NAME")]
    pub(crate) author_name: Option<String>,
    /// Address of the author of Towpath's commits.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) author_email: Option<String>,
    /// Certificate chain, PEM; needed to listen beyond this machine.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// End application processes at a clean stop, instead of leaving them to the next start.
    #[arg(long)]
    pub(crate) stop_applications: bool,
}
