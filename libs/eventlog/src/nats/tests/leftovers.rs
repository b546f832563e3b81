//! What readers leave behind that end without a word.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::conformance::{append, slot};
use crate::log::{EventLog, Position};
use std::sync::Arc;

/// A server allows 1,000 consumers: roles that are killed as soon as they start would fill it, and
/// then nobody could read the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_ended_without_a_word_are_forgotten_soon() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    append(&shared, &slot(1), "something to read").await?;
    let consumers = async || {
        let it = &log.held.shared;
        let info = it.api.glimpse(&it.stream).await?;
        Ok::<_, Trouble>(info.state.consumer_count)
    };
    let own = consumers().await?;
    for _ in 0..10 {
        let other = NatsLog::open(&options).await?;
        let mut subscription = other.subscribe(Position(0)).await?;
        subscription.next().await?;
    }
    assert!(consumers().await? >= own + 10, "each made some");
    let began = Instant::now();
    while consumers().await? > own {
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "they are still there"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Whoever still reads is not forgotten.
    append(&shared, &slot(1), "something more").await?;
    assert_eq!(log.read(Position(0), 10).await?.len(), 2);
    Ok(())
}
