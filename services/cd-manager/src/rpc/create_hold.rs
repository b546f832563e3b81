//! `CreateHold`: on one slot, or on a scope above.

use eventlog::Context;
use ids::derive;
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind, shown};

use crate::domain::hold::{Hold, Source};
use crate::domain::{scope, slot};
use crate::process::scope_key;
use crate::{Inner, queries};

impl Inner {
    pub(super) async fn create_hold(
        &self,
        context: &Context,
        request: &pb::CreateHoldRequest,
    ) -> Result<pb::CreateHoldResponse, Fault> {
        let reason = super::text("reason", &request.reason)?;
        self.check_subject(&request.scope, &request.subject).await?;
        if request.until_us != 0 && request.until_us <= context.now_us {
            return Err(
                Fault::new(Kind::Invalid, "invalid-value", "`until` is in the past")
                    .fix("give a time to come, or a span such as 2h"),
            );
        }
        let id = match context.idempotency {
            // Derived from the key, so that a repeated request places the same hold.
            Some(key) => derive::id("hold", &[&key.commit_id.to_string()]),
            None => self.deps.entropy.id(context.now_us),
        };
        let hold = Hold {
            id,
            scope: request.scope.clone(),
            subject: request.subject.clone(),
            reason,
            until_us: (request.until_us != 0).then_some(request.until_us),
            source: Source::Person,
        };
        if request.dry_run {
            return Ok(pb::CreateHoldResponse {
                hold: Some(shape(&hold, context)),
            });
        }
        match request.subject.split_once('/') {
            Some((environment, application)) if request.scope == "app" => {
                let slot = derive::slot(environment, application);
                self.slots
                    .execute(slot, context, &slot::Command::PlaceHold(hold))
                    .await?;
            }
            _ => {
                let scope = scope_key(&request.scope, &request.subject);
                self.scopes
                    .execute(scope, context, &scope::Command::Place(hold))
                    .await?;
            }
        }
        self.read_now().await?;
        let hold = queries::hold_by_id(&self.deps.reads, &id.to_string())
            .await?
            .map(|it| it.0);
        Ok(pb::CreateHoldResponse { hold })
    }

    async fn check_subject(&self, scope: &str, subject: &str) -> Result<(), Fault> {
        let snapshot = self.manifests().await?;
        let graph = &snapshot.graph;
        let known = match scope {
            "all" => subject.is_empty(),
            "environment" => graph.environment(subject).is_some(),
            "appset" => graph.application_set(subject).is_some(),
            "app" => match subject.split_once('/') {
                Some((environment, application)) => {
                    graph.environment(environment).is_some()
                        && graph.application(application).is_some()
                }
                None => graph.application(subject).is_some(),
            },
            _ => {
                let what = format!("`{}` is no scope", shown(scope));
                return Err(Fault::new(Kind::Invalid, "invalid-value", what)
                    .fix("use app, appset, environment or all"));
            }
        };
        if known {
            return Ok(());
        }
        let what = format!(
            "there is nothing called `{}` of scope {scope} in the manifests",
            shown(subject)
        );
        Err(Fault::new(Kind::NotFound, "not-found", what)
            .fix("app takes `application` or `environment/application`, appset and environment take a name, all takes none"))
    }
}

fn shape(hold: &Hold, context: &Context) -> pb::Hold {
    pb::Hold {
        id: hold.id.to_string(),
        scope: hold.scope.clone(),
        subject: hold.subject.clone(),
        reason: hold.reason.clone(),
        until_us: hold.until_us.unwrap_or_default(),
        source: hold.source.as_str().to_owned(),
        placed_by: context.actor.clone(),
        placed_at_us: context.now_us,
        released: false,
    }
}
