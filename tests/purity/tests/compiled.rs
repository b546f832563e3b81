//! Being linked here, the proof is compiled by every run of the tests.

#[test]
fn the_domains_of_both_services_and_of_access_are_part_of_the_proof() {
    for name in ["libs/access", "services/cd-manager", "services/runner"] {
        assert!(
            purity::DOMAINS.contains(&name),
            "{name} is missing from {:?}",
            purity::DOMAINS
        );
    }
}
