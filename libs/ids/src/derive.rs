//! How every id is derived: `UUIDv5` over the business key, parts separated by a byte that no
//! part can hold. The namespaces are fixed for ever: changing one would let the same thing be
//! created a second time.

use uuid::Uuid;

/// The root of all Towpath namespaces: `UUIDv5` of the DNS namespace and `towpath.dev`.
const ROOT: Uuid = Uuid::from_u128(0x0d1c_9c53_57f5_5f0e_9a6e_4b5c_7d2f_1e80);

/// Derives the id of one `kind` of thing from the parts of its business key.
pub fn id(kind: &str, parts: &[&str]) -> Uuid {
    let mut bytes = Vec::with_capacity(64);
    for part in std::iter::once(&kind).chain(parts) {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0x1f);
    }
    Uuid::new_v5(&ROOT, &bytes)
}

/// A build is one version of one container of one build definition, for ever.
pub fn build(definition: &str, container: &str, version: &str) -> Uuid {
    id("build", &[definition, container, version])
}

/// A deployment carries one build (or release) to one application; `ordinal` counts repeats
/// asked for by people, such as rollbacks.
pub fn deployment(source: Uuid, application: &str, kind: &str, ordinal: u32) -> Uuid {
    id(
        "deployment",
        &[&source.to_string(), application, kind, &ordinal.to_string()],
    )
}

/// A slot is one application in one environment.
pub fn slot(environment: &str, application: &str) -> Uuid {
    id("slot", &[environment, application])
}

/// An environment, or the scope above all of them when the name is empty.
pub fn environment(name: &str) -> Uuid {
    id("environment", &[name])
}

/// A run applies one deployment to one environment.
pub fn run(deployment: Uuid, environment: &str, attempt: u32) -> Uuid {
    id(
        "run",
        &[&deployment.to_string(), environment, &attempt.to_string()],
    )
}

/// An approval is what people said to one stage of one deployment.
pub fn approval(deployment: Uuid, stage: &str) -> Uuid {
    id("approval", &[&deployment.to_string(), stage])
}

/// An identity that may call, by the name it was given.
pub fn identity(name: &str) -> Uuid {
    id("identity", &[name])
}

/// One thing done to the world on behalf of a deployment.
pub fn effect(deployment: Uuid, stage: &str, kind: &str, attempt: u32) -> Uuid {
    id(
        "effect",
        &[&deployment.to_string(), stage, kind, &attempt.to_string()],
    )
}

/// The commit that a command writes: same caller, method and key, same commit.
pub fn commit(caller: &str, method: &str, idempotency_key: &str) -> Uuid {
    id("commit", &[caller, method, idempotency_key])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(id("k", &["ab", "c"]), id("k", &["a", "bc"]));
        assert_ne!(build("d", "c", "v1"), build("d", "c", "v2"));
    }

    /// A changed value here means that every installation would create its things anew.
    #[test]
    fn derivations_never_change() {
        assert_eq!(
            build("api", "api", "v1").to_string(),
            id("build", &["api", "api", "v1"]).to_string()
        );
        assert_eq!(ROOT.to_string(), "0d1c9c53-57f5-5f0e-9a6e-4b5c7d2f1e80");
    }
}
