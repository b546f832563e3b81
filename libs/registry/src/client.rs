//! The calls: read a manifest, write it under a tag, and the two together in the one order that
//! never moves a tag.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use ids::Digest;
use serde_json::Value;

use crate::challenge::{Challenge, escaped};
use crate::exchange::send;
use crate::{Address, Credentials, Error};

/// Every form of manifest that has been in use.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A registry, spoken to as somebody.
#[derive(Debug, Clone)]
pub struct Client {
    address: Address,
    credentials: Credentials,
}

/// A manifest or index, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The hash of its bytes, computed here.
    pub digest: Digest,
    /// Its media type, as the registry says.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What came of giving an image a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tagged {
    /// The tag names the image now: it was read back and hashed.
    Now,
    /// It did before.
    Already,
    /// The tag names another image, and was left alone.
    Taken(Digest),
    /// The image is not there under its digest.
    Gone,
}

impl Client {
    /// Speaks to the registry at `address`; nothing is sent yet.
    pub fn new(address: Address, credentials: Credentials) -> Self {
        Self {
            address,
            credentials,
        }
    }

    /// What a tag or digest names; `None` only when the registry says that it is not there.
    pub async fn manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Option<Manifest>, Error> {
        let path = self.path(repository, reference)?;
        let accept = (header::ACCEPT, HeaderValue::from_static(ACCEPT));
        let answer = self
            .call(&Method::GET, &path, &[accept], &Bytes::new())
            .await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = self.good(&path, answer)?;
        let media_type = answer.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|it| it.to_str().ok());
        let Some(media_type) = media_type.map(str::to_owned) else {
            return Err(self.broken(&path, "its answer has no media type"));
        };
        let bytes = answer.into_body();
        Ok(Some(Manifest {
            digest: Digest::of(&bytes),
            media_type,
            bytes,
        }))
    }

    /// Stores a manifest under a tag. What stood there before is replaced where the registry
    /// allows it: look first.
    pub async fn put(&self, repository: &str, tag: &str, it: &Manifest) -> Result<(), Error> {
        let path = self.path(repository, tag)?;
        let media_type = HeaderValue::from_str(&it.media_type)
            .map_err(|_| self.broken(&path, "its media type cannot be sent back"))?;
        let headers = [
            (header::CONTENT_TYPE, media_type),
            // Most registries do not look at it; those that do keep a tag that came meanwhile.
            (header::IF_NONE_MATCH, HeaderValue::from_static("*")),
        ];
        let answer = self.call(&Method::PUT, &path, &headers, &it.bytes).await?;
        self.good(&path, answer).map(drop)
    }

    /// Gives the image a tag that names nothing or that image. A tag that names another image is
    /// left alone. May be repeated at any point after a crash.
    pub async fn tag(&self, repository: &str, tag: &str, image: &Digest) -> Result<Tagged, Error> {
        match self.manifest(repository, tag).await? {
            Some(found) if found.digest == *image => return Ok(Tagged::Already),
            Some(found) => return Ok(Tagged::Taken(found.digest)),
            None => {}
        }
        let Some(found) = self.manifest(repository, image.as_str()).await? else {
            return Ok(Tagged::Gone);
        };
        if found.digest != *image {
            return Err(Error::Corrupt {
                place: self.place(repository),
                expected: image.clone(),
                actual: found.digest,
            });
        }
        self.put(repository, tag, &found).await?;
        match self.manifest(repository, tag).await? {
            Some(now) if now.digest == *image => Ok(Tagged::Now),
            Some(now) => Ok(Tagged::Taken(now.digest)),
            None => Err(self.broken(repository, "a tag that it took is not there afterwards")),
        }
    }

    fn path(&self, repository: &str, reference: &str) -> Result<String, Error> {
        let repository = self.address.repository(repository)?;
        Ok(format!("/v2/{repository}/manifests/{reference}"))
    }

    /// Asks, and asks again with what the registry wants to see.
    async fn call(
        &self,
        method: &Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: &Bytes,
    ) -> Result<Response<Bytes>, Error> {
        let ask = async |authorization: Option<&str>| {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = path
                .parse()
                .map_err(|_| self.broken(path, "that is no path"))?;
            request.headers_mut().extend(headers.iter().cloned());
            if let Some(text) = authorization {
                request
                    .headers_mut()
                    .insert(header::AUTHORIZATION, secret(text)?);
            }
            send(&self.address, request).await
        };
        let first = ask(None).await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        let wanted = first.headers().get(header::WWW_AUTHENTICATE);
        let wanted = wanted.and_then(|it| Challenge::parse(it.to_str().ok()?));
        let basic = self.credentials.basic(&self.address.authority());
        match wanted {
            Some(Challenge::Bearer {
                realm,
                service,
                scope,
            }) => {
                let token = self
                    .token(&realm, service.as_deref(), scope.as_deref())
                    .await?;
                ask(Some(&format!("Bearer {token}"))).await
            }
            Some(Challenge::Basic) if basic.is_some() => ask(basic).await,
            Some(Challenge::Basic) | None => Ok(first),
        }
    }

    /// Asks the realm for a token; only one that was named, whatever the registry says.
    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<String, Error> {
        let authority = self.address.authority();
        let (origin, path) = split(realm).ok_or_else(|| self.broken(realm, "that is no realm"))?;
        let to = Address::parse(origin)?;
        let is_safe = to.is_secure || !self.address.is_secure;
        if !is_safe || !self.credentials.is_realm_of(&authority, &to.authority()) {
            return Err(Error::Realm {
                place: self.address.to_string(),
                realm: to.authority(),
            });
        }
        let named = [("service", service), ("scope", scope)];
        let query: Vec<_> = named
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", escaped((*value)?))))
            .collect();
        let mut request = Request::new(Full::default());
        *request.uri_mut() = format!("{path}?{}", query.join("&"))
            .parse()
            .map_err(|_| self.broken(realm, "that is no realm"))?;
        if let Some(basic) = self.credentials.basic(&authority) {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, secret(basic)?);
        }
        let answer = send(&to, request).await?;
        let answer = self.good(realm, answer)?;
        let json: Value = serde_json::from_slice(answer.body())
            .map_err(|_| self.broken(realm, "its token is no JSON"))?;
        let token = json["token"].as_str().or(json["access_token"].as_str());
        token
            .map(str::to_owned)
            .ok_or_else(|| self.broken(realm, "its answer holds no token"))
    }

    /// Tells the answers apart; nothing but success passes.
    fn good(&self, path: &str, answer: Response<Bytes>) -> Result<Response<Bytes>, Error> {
        let place = self.place(path);
        let status = answer.status();
        match status.as_u16() {
            200..=299 => Ok(answer),
            401 | 403 => Err(Error::Denied {
                place,
                status: status.as_u16(),
            }),
            408 | 429 => Err(Error::Busy {
                place,
                retry_after: retry_after(&answer),
            }),
            400..=499 => Err(Error::Refused {
                place,
                status: status.as_u16(),
                why: words(answer.body()),
            }),
            other => Err(Error::Broken {
                place,
                why: format!("it answers {other}"),
            }),
        }
    }

    fn place(&self, path: &str) -> String {
        let path = path.trim_start_matches("/v2/");
        format!("{}: {path}", self.address.authority())
    }

    fn broken(&self, path: &str, why: &str) -> Error {
        Error::Broken {
            place: self.place(path),
            why: why.to_owned(),
        }
    }
}

fn secret(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Error::Address {
        shown: "…".to_owned(),
        why: "its credentials hold characters that cannot be sent".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// `https://host:port` and the path behind it.
fn split(url: &str) -> Option<(&str, &str)> {
    let begin = url.find("://")? + 3;
    let end = url[begin..].find('/').map_or(url.len(), |it| begin + it);
    let path = &url[end..];
    Some((&url[..end], if path.is_empty() { "/" } else { path }))
}

fn retry_after(answer: &Response<Bytes>) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.parse().ok()?))
}

/// The registry's own words, fit to be shown.
fn words(body: &Bytes) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let first = &json["errors"][0];
    let text = match (first["code"].as_str(), first["message"].as_str()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => String::from_utf8_lossy(body).into_owned(),
    };
    text.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}
