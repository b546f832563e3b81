//! Against a real registry, one that would let anybody move any tag.

use ids::Digest;
use registry::{Address, Client, Credentials, Error, Tagged};
use tempfile::TempDir;
use testkit::oci_registry::{self, PASSWORD, Setup, USER};
use testkit::process::Running;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Place {
    setup: Setup,
    _running: Running,
    _dir: TempDir,
}

impl Place {
    fn new(is_closed: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup {
            dir: dir.path().join("registry"),
            port: testkit::ports::free(1)[0],
            is_closed,
        };
        let binary = oci_registry::find().unwrap();
        let running = oci_registry::start(&binary, &setup).unwrap();
        Self {
            setup,
            _running: running,
            _dir: dir,
        }
    }

    /// An image without layers, told apart by its name.
    fn image(&self, name: &str) -> Digest {
        let config = format!(r#"{{"architecture":"amd64","os":"linux","author":"{name}"}}"#);
        let config_digest = Digest::of(config.as_bytes());
        // The spaces are part of what is hashed: whoever writes it anew in another form is found.
        let manifest = format!(
            r#"{{ "schemaVersion": 2,  "mediaType": "{MANIFEST}",
                "config": {{"mediaType": "application/vnd.oci.image.config.v1+json",
                    "digest": "{config_digest}", "size": {}}}, "layers": [] }}"#,
            config.len()
        );
        let digest = Digest::of(manifest.as_bytes());
        oci_registry::seed(
            &self.setup,
            "team/api",
            &[(config_digest.as_str(), config.as_bytes())],
            &[(digest.as_str(), manifest.as_bytes())],
        )
        .unwrap();
        digest
    }

    fn client(&self, credentials: Credentials) -> Client {
        let address = format!("http://127.0.0.1:{}/team", self.setup.port);
        Client::new(Address::parse(&address).unwrap(), credentials)
    }
}

#[tokio::test]
async fn a_tag_in_a_docker_registry_is_written_once_and_never_moved() {
    let place = Place::new(false);
    let (one, two) = (place.image("one"), place.image("two"));
    let client = place.client(Credentials::default());
    assert_eq!(client.manifest("api", "rc.0").await.unwrap(), None);
    assert_eq!(client.tag("api", "rc.0", &one).await.unwrap(), Tagged::Now);
    assert_eq!(
        client.tag("api", "rc.0", &one).await.unwrap(),
        Tagged::Already
    );
    assert_eq!(
        client.tag("api", "rc.0", &two).await.unwrap(),
        Tagged::Taken(one.clone())
    );
    let found = client.manifest("api", "rc.0").await.unwrap().unwrap();
    assert_eq!(
        (found.digest, found.media_type.as_str()),
        (one.clone(), MANIFEST)
    );

    oci_registry::set_tag(&place.setup, "team/api", "rc.1", two.as_str()).unwrap();
    assert_eq!(
        client.tag("api", "rc.1", &one).await.unwrap(),
        Tagged::Taken(two)
    );
    let nowhere = Digest::of(b"never pushed");
    assert_eq!(
        client.tag("api", "rc.2", &nowhere).await.unwrap(),
        Tagged::Gone
    );
    assert_eq!(
        client.tag("other", "rc.0", &one).await.unwrap(),
        Tagged::Gone
    );
}

#[tokio::test]
async fn a_closed_docker_registry_is_opened_by_its_own_credentials_only() {
    let place = Place::new(true);
    let image = place.image("one");
    let with = |password: &str| {
        let port = place.setup.port;
        let json = format!(
            r#"{{"auths": {{"127.0.0.1:{port}": {{"username": "{USER}", "password": "{password}"}}}}}}"#
        );
        Credentials::parse(json.as_bytes()).unwrap()
    };
    for wrong in [Credentials::default(), with("guessed")] {
        let error = place
            .client(wrong)
            .tag("api", "rc.0", &image)
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Denied { status: 401, .. }),
            "{error}"
        );
        assert!(error.retryable() && !error.to_string().contains("guessed"));
    }
    let client = place.client(with(PASSWORD));
    assert_eq!(
        client.tag("api", "rc.0", &image).await.unwrap(),
        Tagged::Now
    );
}
