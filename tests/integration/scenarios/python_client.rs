//! A client that somebody else made from `proto/` alone, in another language, and a flood of calls.

use crate::harness::{World, python};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What `grpc_tools.protoc` makes of `proto/`.
async fn stubs(world: &World) -> String {
    let out = world.root().join("stubs");
    std::fs::create_dir(&out).unwrap();
    let out = out.to_str().unwrap().to_owned();
    let proto = format!("{HERE}/proto");
    let outcome = python::interpreter(&world.home())
        .await
        .args(["-m", "grpc_tools.protoc", "-I", &proto])
        .args([
            format!("--python_out={out}"),
            format!("--grpc_python_out={out}"),
        ])
        .args([format!("{proto}/towpath/delivery/v1/service.proto")])
        .run()
        .await;
    outcome.ok();
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_to_other_languages_holds_python() {
    let world = World::of(["api"]).await;
    let stubs = stubs(&world).await;
    let server = world.start().await;
    let image = world.image("api", "1.0.0").await;
    let outcome = python::client("client.py", &world.home())
        .await
        .env("TOWPATH_SERVER", &format!("http://{}", server.address))
        .env("TOWPATH_TOKEN", &server.token)
        .args([
            &stubs[..],
            "api",
            "api",
            "1.0.0",
            &image,
            &server.pid().to_string(),
        ])
        .run()
        .await;
    println!("{outcome}");
    outcome.ok();
    server.stop().await;
}
