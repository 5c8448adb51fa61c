//! One GET of a set of keys: over TLS, from a public address, without redirects, small and soon.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use axum::http::uri::Authority;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::key::SET_BYTES_MAX;

/// From the name to the last byte.
const FETCH_TIME: Duration = Duration::from_secs(2);
/// The port of https.
const PORT: u16 = 443;

/// Where a set of keys is fetched.
#[derive(Clone)]
pub(super) struct Endpoint {
    host: String,
    port: u16,
    path: String,
    tls: TlsConnector,
    /// Whether the host may be this machine or one beside it.
    may_be_near: bool,
}

impl Endpoint {
    /// Reads an address.
    pub(super) fn new(text: &str, may_be_near: bool) -> Result<Self> {
        let uri: Uri = text.parse().ok().context("it is not an address such as `https://tenant.example/keys.json`")?;
        if uri.scheme_str() != Some("https") {
            bail!("keys are fetched over https only");
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            bail!("its host is empty, or holds a user");
        }
        // a port that is none would be the default one
        let has_port = uri.authority().map(Authority::as_str) != uri.host();
        if has_port && uri.port_u16().is_none_or(|port| port == 0) {
            bail!("its port is none of 1 to 65535");
        }
        let mut roots = RootCertStore::empty();
        // certificates of the system that cannot be read are no roots
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            bail!("this system has no root certificates: install `ca-certificates`, or set SSL_CERT_FILE");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(PORT),
            path,
            tls: TlsConnector::from(Arc::new(config)),
            may_be_near,
        })
    }

    /// Fetches it.
    pub(super) async fn fetch(&self) -> Result<Bytes> {
        let late = |_| anyhow::anyhow!("no whole answer within {} seconds", FETCH_TIME.as_secs());
        tokio::time::timeout(FETCH_TIME, self.get()).await.map_err(late)?
    }

    async fn get(&self) -> Result<Bytes> {
        let found =
            tokio::net::lookup_host((self.host.as_str(), self.port)).await.context("its host has no address")?;
        let addresses: Vec<SocketAddr> = found.filter(|one| self.may_be_near || is_public(one.ip())).collect();
        if addresses.is_empty() {
            bail!("its host has no public address");
        }
        // what was looked at is what is connected to
        let stream = TcpStream::connect(addresses.as_slice()).await.context("cannot connect")?;
        let name = ServerName::try_from(self.host.clone()).context("its host cannot have a certificate")?;
        let stream = self.tls.connect(name, stream).await.context("no TLS")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.context("no HTTP")?;
        // the connection ends with the set, also where the time is up
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let host = if self.port == PORT { host } else { format!("{host}:{}", self.port) };
        let request = Request::get(&self.path)
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "handover")
            .body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await.context("no answer")?;
        async {
            if answer.status() != StatusCode::OK {
                bail!("it answers {}: expected 200, and no redirect", answer.status().as_u16());
            }
            let body = Limited::new(answer.into_body(), SET_BYTES_MAX).collect().await;
            Ok(body
                .map_err(|_| anyhow::anyhow!("its body breaks off, or is larger than {SET_BYTES_MAX} bytes"))?
                .to_bytes())
        }
        .await
    }
}
