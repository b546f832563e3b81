//! `towpath sample-image`: something real to deploy.

use oci::Layout;

use super::Scene;
use crate::args;
use crate::failure::Failure;
use crate::output;
use crate::sample;
use crate::serve::refused;

pub(super) fn run(scene: &Scene, image: &args::SampleImage) -> Result<(), Failure> {
    let failed = |error: oci::Error| refused("image", &error);
    let layout = Layout::create(&image.layout).map_err(failed)?;
    let digest = sample::write_image(
        &layout,
        &image.name,
        &image.version,
        image.broken.as_deref(),
    )
    .map_err(failed)?;
    if scene.is_json() {
        return output::json(&serde_json::json!({ "digest": digest.as_str() }));
    }
    output::line(digest.as_str())
}
