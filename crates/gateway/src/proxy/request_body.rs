//! A request's body on its way to Notion: kept, so that it can be sent again, or streaming, once.

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, Full, Limited, StreamBody};

use crate::Error;
use crate::notion::CallBody;

/// Bodies up to this size, in bytes, are kept until the answer's head arrives.
const KEPT_MAX: usize = 64 * 1024;
/// The largest body that is forwarded, in bytes: a part of an upload is at most 20 MB.
const BODY_MAX: usize = 25 * 1024 * 1024;

pub(super) enum RequestBody {
    Kept(Bytes),
    Streaming(Option<Body>),
}

impl RequestBody {
    /// Keeps a body that is known, or found, to be small.
    pub(super) async fn load<B>(headers: &HeaderMap, body: B) -> Result<Self, Error>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if body.is_end_stream() {
            return Ok(Self::Kept(Bytes::new()));
        }
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|length| length > BODY_MAX as u64) {
            return Err(Error::BodyTooLarge(BODY_MAX));
        }
        let mut body = Limited::new(body, BODY_MAX);
        if declared.is_some_and(|length| length > KEPT_MAX as u64) {
            return Ok(Self::Streaming(Some(Body::new(body))));
        }
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|_| Error::Invalid("the body ended early, or is larger than 25 MiB".into()))?;
            read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            if read.len() > KEPT_MAX {
                let begun = stream::iter([Ok(Frame::data(Bytes::from(read)))]);
                let whole = StreamBody::new(begun.chain(BodyStream::new(body)));
                return Ok(Self::Streaming(Some(Body::new(whole))));
            }
        }
        Ok(Self::Kept(Bytes::from(read)))
    }

    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// The body, to be sent; one that streams is there once.
    pub(super) fn take(&mut self) -> CallBody {
        match self {
            Self::Kept(bytes) => CallBody::Left(Full::new(bytes.clone())),
            Self::Streaming(body) => CallBody::Right(body.take().unwrap_or_default()),
        }
    }
}
