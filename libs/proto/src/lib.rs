//! What crosses a process or outlives one: messages, clients and servers generated from `/proto`.

#![expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::use_self,
    reason = "nearly all of it is generated"
)]

pub mod found;
pub mod policy;

macro_rules! package {
    ($context:ident, $package:literal, $doc:literal) => {
        #[doc = $doc]
        pub mod $context {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    };
}

package!(access, "towpath.access.v1", "Who may call.");
package!(
    approval,
    "towpath.approval.v1",
    "Who approved exactly which plan."
);
package!(changelog, "towpath.changelog.v1", "What changed.");
package!(control, "towpath.control.v1", "The installation itself.");
package!(
    delivery,
    "towpath.delivery.v1",
    "Builds, deployments, environments, holds."
);
package!(
    forge,
    "towpath.forge.v1",
    "Where sources are kept and reviewed."
);
package!(
    log,
    "towpath.log.v1",
    "The stored form of commits and events."
);
package!(
    release,
    "towpath.release.v1",
    "Releases, and the numbers reserved for them."
);
package!(run, "towpath.run.v1", "What the runner records.");

/// Everything above as a `google.protobuf.FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
