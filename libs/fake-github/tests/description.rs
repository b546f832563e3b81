//! The slice is what is in the whole, where the whole is at hand.

use std::path::Path;

use serde_json::Value;

#[test]
fn the_slice_is_what_github_describes() {
    #[expect(
        clippy::disallowed_methods,
        reason = "outside inputs are named by the environment, and this is the edge"
    )]
    let shared = std::env::var_os("TOWPATH_SHARED");
    let Some(shared) = shared else {
        println!("SKIPPED the slice: needs TOWPATH_SHARED");
        return;
    };
    let read = |name: &str| -> Value {
        let path = Path::new(&shared).join("data").join(name);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    };
    let rest = read("github-openapi-slim.json");
    let webhooks = read("github-openapi-webhooks-slim.json");
    let here: Value = serde_json::from_str(include_str!("../description.json")).unwrap();
    assert!(
        fake_github::slice::of(&rest, &webhooks) == here,
        "cargo run -p fake-github --example slice writes it anew"
    );
}
