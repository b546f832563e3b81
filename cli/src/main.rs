//! `towpath`: the server, and the commands that talk to it.

mod args;
mod client;
mod commands;
mod failure;
mod heard;
mod home;
mod output;
mod sample;
mod serve;
mod shell;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not errors; clap knows where each is printed.
            let code = if error.use_stderr() { 2 } else { 0 };
            if code != 0 && failure::usage::wants_json(std::env::args_os().skip(1)) {
                return failure::usage::of(&error).report(output::Format::Json);
            }
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    // One crypto provider for everything in this process; a second call finds it in place.
    drop(rustls::crypto::ring::default_provider().install_default());
    let verbose = args.verbose;
    service::telemetry::start(&home::log_filter(verbose), home::log_is_json());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return failure::Failure::broke("runtime", error.to_string()).report(args.output);
        }
    };
    let output = args.output;
    let result = runtime.block_on(commands::run(args));
    // What still runs in the background (a slow disk, a remote that hangs) does not keep us.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(output),
    }
}
