//! The floor: a proxy made of nothing but hyper. It puts a fixed token in the place of the caller's, sends the call on, and
//! streams the answer back; no keys, no budget, no limits, no log. What the gateway costs beyond it is the gateway's own.

#![expect(clippy::disallowed_methods, reason = "it stands outside the gateway's world")]

use std::convert::Infallible;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Either;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Floor {
    client: Client<HttpConnector, Incoming>,
    scheme: Scheme,
    authority: Authority,
    token: HeaderValue,
}

impl Floor {
    fn new(upstream: &Uri) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let parts = upstream.clone().into_parts();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(tcp),
            scheme: parts.scheme.context("the upstream has no scheme")?,
            authority: parts.authority.context("the upstream has no host")?,
            token: HeaderValue::from_static("Bearer ntn_floor"),
        })
    }

    async fn forward(
        self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Either<Incoming, Empty<Bytes>>>, Infallible> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(self.scheme);
        parts.authority = Some(self.authority);
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        request.headers_mut().remove(http::header::HOST);
        request.headers_mut().insert(AUTHORIZATION, self.token);
        Ok(match self.client.request(request).await {
            Ok(answer) => answer.map(Either::Left),
            Err(_) => {
                let mut refused = Response::new(Either::Right(Empty::new()));
                *refused.status_mut() = StatusCode::BAD_GATEWAY;
                refused
            }
        })
    }
}

async fn serve(floor: Floor) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        let _best_effort = stream.set_nodelay(true);
        let floor = floor.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| floor.clone().forward(request));
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("floor UPSTREAM THREADS");
    let (upstream, threads): (Uri, usize) = (next()?.parse()?, next()?.parse()?);
    let floor = Floor::new(&upstream)?;
    let mut runtime = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        runtime.worker_threads(threads);
    }
    runtime.enable_all().build()?.block_on(serve(floor))
}
