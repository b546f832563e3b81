//! Nobody else can reach it, and there is one of it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::harness::{Options, Report, World};

/// Inodes of a process's sockets.
fn sockets(pid: u32) -> BTreeSet<String> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let inode = |link: std::path::PathBuf| {
        let target = link.to_str()?.strip_prefix("socket:[")?;
        Some(target.trim_end_matches(']').to_owned())
    };
    links
        .filter_map(|it| std::fs::read_link(it.ok()?.path()).ok())
        .filter_map(inode)
        .collect()
}

/// Where a process listens, by <https://docs.kernel.org/networking/proc_net_tcp.html>.
fn listening(pid: u32) -> Vec<IpAddr> {
    const LISTEN: &str = "0A";
    let own = sockets(pid);
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            if fields[3] == LISTEN && own.contains(fields[9]) {
                found.push(address(fields[1].split(':').next().unwrap()));
            }
        }
    }
    found
}

/// Words of four bytes, each as the machine orders them.
fn address(hex: &str) -> IpAddr {
    let word = |at: usize| {
        u32::from_str_radix(&hex[at..at + 8], 16)
            .unwrap()
            .to_ne_bytes()
    };
    let bytes: Vec<u8> = (0..hex.len()).step_by(8).flat_map(word).collect();
    match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Ipv4Addr::from(bytes).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).unwrap()).into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_listens_on_loopback_and_the_token_is_its_owners() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    let mut pids = vec![server.pid()];
    pids.extend(
        world
            .processes()
            .iter()
            .map(|it| u32::try_from(it.pid).unwrap()),
    );
    let addresses: Vec<_> = pids.iter().map(|pid| listening(*pid)).collect();
    assert!(
        addresses[0].len() >= 2,
        "its own address and the slot's: {addresses:?}"
    );
    assert!(
        addresses.iter().flatten().all(IpAddr::is_loopback),
        "{addresses:?}"
    );
    let mode = |name: &str| {
        let metadata = std::fs::metadata(world.data.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(format!("{:o}", mode("admin.token")), "600");
    assert_eq!(
        mode("") & 0o077,
        0,
        "nobody else may look into the directory"
    );
    server.stop().await;
    assert!(
        !world.data.join("server.json").exists(),
        "a clean stop takes its address back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_others_reach_is_refused_without_tls() {
    let world = World::of(["api"]).await;
    for listen in [
        "0.0.0.0:0",
        "[::]:0",
        "0.0.0.0:7070",
        "nonsense",
        "127.0.0.1",
        "127.0.0.1:99999",
    ] {
        let options = Options {
            listen: listen.to_owned(),
            ..Options::default()
        };
        let refusal = world.refusal(&options).await;
        assert_eq!(refusal.code, 2, "{listen}: {refusal}");
        assert!(refusal.stderr.contains("listen"), "{listen}: {refusal}");
        if listen.starts_with(['0', '[']) {
            assert!(
                refusal.stderr.to_lowercase().contains("tls"),
                "{listen}: {refusal}"
            );
        }
    }
    world.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_directory_fails_at_once_and_says_why() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let refusal = world.refusal(&Options::default()).await;
    assert_eq!(refusal.code, 1, "{refusal}");
    assert!(
        refusal.after < Duration::from_secs(2),
        "{:?}",
        refusal.after
    );
    let pid = server.pid().to_string();
    assert!(refusal.stderr.contains(&pid), "{pid}: {refusal}");
    let data = world.data.to_str().unwrap();
    assert!(refusal.stderr.contains(data), "{refusal}");
    // The first one has not noticed.
    server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    server.stop().await;
}
