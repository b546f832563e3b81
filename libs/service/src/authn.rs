//! One gate in front of every call: who is it, and may they. gRPC and HTTP pass the same one.

use access::{Directory, Principal, Unauthenticated, authorize};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::Next;

use crate::fault::{Fault, Kind};

/// Paths that anybody may call.
pub const PUBLIC: &[&str] = &["/healthz", "/livez", "/readyz"];
/// Services that anybody may call: health and reflection say nothing about the installation.
pub const PUBLIC_PREFIXES: &[&str] = &[
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Where all guarded gRPC services are.
const SERVICES: &str = "/towpath.";

/// HTTP routes and the gRPC method that each one is another form of.
pub const ROUTES: &[(&str, &str, &str)] = &[(
    "POST",
    "/api/v1/builds",
    "/towpath.delivery.v1.DeliveryService/ReportBuild",
)];

/// Where GitHub says what happened. Whoever calls it has no token: the forge role checks the
/// signature.
pub const WEBHOOK: &str = "/webhooks/github";

/// Lets a call through with its [`Principal`] in the extensions, or answers it.
pub async fn gate(
    State(directory): State<Directory>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let path = request.uri().path();
    if PUBLIC.contains(&path) || PUBLIC_PREFIXES.iter().any(|it| path.starts_with(it)) {
        return next.run(request).await;
    }
    if !path.starts_with(SERVICES) && !ROUTES.iter().any(|(_, route, _)| *route == path) {
        // Nothing is there to guard: the router says so.
        return next.run(request).await;
    }
    let is_grpc = is_grpc(request.headers());
    let route = ROUTES
        .iter()
        .find(|(method, route, _)| *route == path && request.method() == *method);
    let Some(method) = route
        .map(|it| it.2)
        .or_else(|| path.starts_with(SERVICES).then_some(path))
    else {
        // A guarded path with a method that nobody serves: the router names those that are.
        return next.run(request).await;
    };
    match check(&directory, request.headers(), method) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(fault) => answer(fault, is_grpc),
    }
}

fn check(directory: &Directory, headers: &HeaderMap, method: &str) -> Result<Principal, Fault> {
    let principal = authenticate(directory, headers)?;
    authorize(&principal, method)?;
    Ok(principal)
}

/// Who calls, by the token in the headers; what they may do is another question.
///
/// # Errors
/// [`Kind::Unauthenticated`] without a token that is accepted.
pub fn authenticate(directory: &Directory, headers: &HeaderMap) -> Result<Principal, Fault> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or(Unauthenticated::Missing)?;
    let text = value.to_str().map_err(|_| Unauthenticated::Unknown)?;
    Ok(directory.authenticate(bearer(text)?)?)
}

/// The token in the value of an `authorization` header.
pub fn bearer(value: &str) -> Result<&str, Unauthenticated> {
    let (scheme, token) = value.split_once(' ').ok_or(Unauthenticated::Unknown)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Unauthenticated::Missing)
    }
}

/// Whether a call is gRPC, by its headers.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"))
}

/// A fault in the form that the caller reads.
pub fn answer(fault: Fault, is_grpc: bool) -> Response<Body> {
    if is_grpc {
        return tonic::Status::from(fault).into_http();
    }
    json(&fault)
}

/// A fault as an HTTP answer: `{"error": {"code", "message", "fix"}}`.
pub fn json(fault: &Fault) -> Response<Body> {
    let body = serde_json::json!({
        "error": { "code": fault.code, "message": fault.message, "fix": fault.fix }
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(fault.kind.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    if fault.kind == Kind::Unauthenticated {
        let bearer = header::HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
    }
    response
}

/// Who calls, as the gate found out.
///
/// # Errors
/// [`Kind::Unauthenticated`] when the call did not come through the gate.
pub fn principal<T>(request: &tonic::Request<T>) -> Result<Principal, Fault> {
    request
        .extensions()
        .get::<Principal>()
        .cloned()
        .ok_or_else(|| Unauthenticated::Missing.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every method of every service has its row, and no row names a method that is gone.
    #[test]
    fn the_table_covers_every_method() {
        use prost::Message as _;
        let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let mut methods: Vec<String> = set
            .file
            .iter()
            .flat_map(|file| {
                file.service.iter().flat_map(move |service| {
                    service.method.iter().map(move |method| {
                        format!("/{}.{}/{}", file.package(), service.name(), method.name())
                    })
                })
            })
            .collect();
        methods.sort();
        let rows: Vec<_> = authorize::RULES
            .iter()
            .map(|it| it.method.to_owned())
            .collect();
        assert_eq!(
            methods, rows,
            "libs/access/src/authorize.rs: one row per method, sorted"
        );
    }
}
