//! The world of the demo: a manifests repository and an image layout, both real.

use std::path::{Path, PathBuf};

use git::Author;
use ids::Digest;
use oci::Layout;
use service::clock::{Clock as _, SystemClock};

use crate::failure::Failure;
use crate::sample;

/// The application's name.
pub(super) const APPLICATION: &str = "storefront";
/// The manifests repository, within the directory.
const REMOTE: &str = "manifests.git";
/// The images, within the directory.
const IMAGES: &str = "images";

/// Where everything is.
pub(super) struct World {
    /// The manifests repository, bare.
    pub(super) remote: PathBuf,
    layout: Layout,
}

impl World {
    /// The one that is there.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        let remote = dir.join(REMOTE);
        if !remote.is_dir() {
            return Err(Failure::usage(
                "no-manifests",
                format!("{} is not there", remote.display()),
            )
            .fix("make it with `towpath demo --prepare --dir DIR`"));
        }
        let layout = Layout::create(dir.join(IMAGES))
            .map_err(|error| Failure::broke("demo", error.to_string()))?;
        Ok(Self { remote, layout })
    }

    pub(super) async fn make(dir: &Path) -> Result<Self, Failure> {
        let remote = dir.join(REMOTE);
        let images = dir.join(IMAGES);
        let broke = |error: &dyn std::fmt::Display| Failure::broke("demo", error.to_string());
        let layout = Layout::create(&images).map_err(|error| broke(&error))?;
        git::init_bare(&remote)
            .await
            .map_err(|error| broke(&error))?;
        let files = manifests(&images);
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_bytes()))
            .collect();
        let author = Author {
            name: "Platform Team".to_owned(),
            email: "platform@example.com".to_owned(),
        };
        git::seed(
            &remote,
            &files,
            &author,
            "What runs where",
            SystemClock.now_us(),
        )
        .await
        .map_err(|error| broke(&error))?;
        Ok(Self { remote, layout })
    }

    /// Builds an image of the sample application, as CI would.
    pub(super) fn build(&self, version: &str, broken: Option<&str>) -> Result<Digest, Failure> {
        sample::write_image(&self.layout, APPLICATION, version, broken)
            .map_err(|error| Failure::broke("demo", error.to_string()))
    }
}

fn manifests(images: &Path) -> Vec<(&'static str, String)> {
    let head = |kind: &str, name: &str, parents: &str| {
        format!(
            "apiVersion: lowops.manifests.v1\nkind: {kind}\nmetadata:\n  name: {name}\n{parents}"
        )
    };
    let organization = "  organization: acme\n";
    let unit = "  organizational-unit: shop\n  organization: acme\n";
    let repository =
        "  github-repository: storefront\n  github-connection: github\n  organization: acme\n";
    let mut files = vec![
        (
            "organization.yaml",
            [
                head("Organization", "acme", ""),
                head("OrganizationalUnit", "shop", organization),
                head("Environment", "development", unit),
                head("Environment", "staging", unit),
            ]
            .join("---\n"),
        ),
        (
            "delivery.yaml",
            [
                head("ReleaseTrack", "main", unit)
                    + "spec:\n  preReleaseStages:\n    - environments: [development]\n    - environments: [staging]\n",
                head("ApplicationSet", "shop", &format!("  release-track: main\n{unit}")),
                head("Application", APPLICATION, &format!("  application-set: shop\n  release-track: main\n{unit}"))
                    + "spec:\n  buildDefinition: storefront\n  project: web\n  target: PROCESS\n",
            ]
            .join("---\n"),
        ),
        (
            "source.yaml",
            [
                head("GithubConnection", "github", organization),
                head("GithubRepository", "storefront", &format!("  github-connection: github\n{organization}"))
                    + "spec:\n  strategy: GITHUB_FLOW\n",
                head("BuildDefinition", "storefront", repository)
                    + "spec:\n  type: DOCKER\n  containerize:\n    - name: storefront\n      registries: [local]\n",
                head("ArtifactRegistry", "local", organization)
                    + &format!("spec:\n  ociLayout: {}\n", quoted(images)),
            ]
            .join("---\n"),
        ),
    ];
    for environment in ["development", "staging"] {
        let parents = format!("  environment: {environment}\n{unit}");
        let text = head("Project", "web", &parents)
            + "---\n"
            + &head(
                "DeploymentConfig",
                APPLICATION,
                &format!("  project: web\n{parents}"),
            )
            + "spec:\n  # Towpath writes this line.\n  version: \"\"\n  health:\n    startup:\n      \
               protocol: http\n      path: /healthz\n      checkIntervalSec: 1\n      unhealthyThreshold: 2\n";
        let file = if environment == "development" {
            "environments/development.yaml"
        } else {
            "environments/staging.yaml"
        };
        files.push((file, text));
    }
    files
}

/// A path as a YAML scalar.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}
