//! `towpath certificate`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Certificate {
    /// Where ca.crt, tls.crt and tls.key go; a set that is there and serves the names is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A host name or address that the certificate is for. May be repeated.
    #[arg(long = "name", value_name = "HOST", required = true)]
    pub(crate) names: Vec<String>,
    /// Replace what is there, the authority with it: whoever trusts ca.crt needs the new one.
    #[arg(long)]
    pub(crate) renew: bool,
}
