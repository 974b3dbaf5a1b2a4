//! `multipart/form-data`, which one endpoint of the API takes: the file itself, and beside it the number of the part.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A form has a file and one field; more fields than this are no form that Notion knows.
const FIELDS_MAX: usize = 16;

/// The fields of a form, in order.
#[derive(Debug, Clone)]
pub(crate) struct Form(Vec<Field>);

/// One field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    name: String,
    pub(crate) filename: Option<String>,
    /// Without parameters, such as `text/plain`.
    pub(crate) content_type: Option<String>,
    pub(crate) data: Bytes,
}

impl Form {
    /// The first field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name == name)
    }
}

/// The form in a request, if it says that it has one and the form can be read.
pub(crate) async fn read(headers: &HeaderMap, body: &Bytes) -> Option<Form> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = multer::parse_boundary(content_type).ok()?;
    let mut reader = multer::Multipart::new(Body::from(body.clone()).into_data_stream(), boundary);
    let mut fields = Vec::new();
    while let Some(field) = reader.next_field().await.ok()? {
        if fields.len() == FIELDS_MAX {
            return None;
        }
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(|kind| kind.essence_str().to_ascii_lowercase());
        fields.push(Field { name, filename, content_type, data: field.bytes().await.ok()? });
    }
    Some(Form(fields))
}
