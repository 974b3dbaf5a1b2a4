//! What an HTTP/1 request line asked for before the HTTP library read it. The library cuts a target at its first `#` and says
//! nothing, so that what is answered would be another address than what was sent. So lines are looked at as they come: the
//! beginnings of those that have a `#` are noted by their hash, and a request that was such a beginning is told from any other.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{Method, Uri};

/// How much of a line is looked at, in bytes: whoever forwards refuses longer targets anyway.
const LOOKED_AT: usize = 9 * 1024;
/// The longest method, in bytes: a line that begins with a longer word is no request's.
const METHOD_MAX: usize = 32;
/// How many noted beginnings are kept. A body may look like request lines, so it is a few; the oldest go.
const NOTED_MAX: usize = 16;

/// The lines of one socket.
#[derive(Default)]
pub(crate) struct Lines {
    line: Line,
    noted: Vec<u64>,
}

/// The line that is coming.
enum Line {
    /// So far it may be a request's.
    Begun(Vec<u8>),
    /// Nobody cares for the rest.
    Past,
}

impl Default for Line {
    fn default() -> Self {
        Self::Begun(Vec::new())
    }
}

impl Lines {
    /// Bytes came.
    pub(crate) fn heard(&mut self, bytes: &[u8]) {
        if bytes.contains(&b'#') {
            bytes.split_inclusive(|byte| *byte == b'\n').for_each(|piece| self.piece(piece));
            return;
        }
        // Mostly a whole head: what counts is what follows its last end of line, if not too much does.
        let far = bytes.len().saturating_sub(LOOKED_AT);
        let end = bytes.get(far..).and_then(|near| near.iter().rposition(|byte| *byte == b'\n'));
        match end {
            Some(end) => {
                self.line = Line::default();
                self.piece(&bytes[far + end + 1..]);
            }
            None => self.piece(bytes),
        }
    }

    /// Goes on with a line, and ends it where it ends.
    fn piece(&mut self, piece: &[u8]) {
        if let Line::Begun(begun) = &mut self.line {
            let hash = piece.iter().position(|byte| *byte == b'#');
            begun.extend_from_slice(&piece[..hash.unwrap_or(piece.len()).min(LOOKED_AT)]);
            let goes_on = may_be_a_request(begun) && begun.len() < LOOKED_AT;
            if let (true, Some(_)) = (goes_on, hash) {
                if self.noted.len() == NOTED_MAX {
                    self.noted.remove(0);
                }
                self.noted.push(hashed([begun]));
            }
            if hash.is_some() || !goes_on {
                self.line = Line::Past;
            }
        }
        if piece.ends_with(b"\n") {
            self.line = Line::default();
        }
    }

    /// Whether any line was noted.
    pub(crate) fn has_noted(&self) -> bool {
        !self.noted.is_empty()
    }

    /// Whether the request's target went on with a `#`.
    pub(crate) fn cut(&self, method: &Method, uri: &Uri) -> bool {
        if self.noted.is_empty() {
            return false;
        }
        let target = uri.path_and_query().map_or("/", |both| both.as_str());
        let method = method.as_str().as_bytes();
        let ways = [hashed([method, b" ", target.as_bytes()]), hashed([method, b" "])];
        // A target that began with it reads as a slash.
        self.noted.contains(&ways[0]) || (target == "/" && self.noted.contains(&ways[1]))
    }
}

/// A word of a method's length, and if it has ended, a space.
fn may_be_a_request(line: &[u8]) -> bool {
    let word = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    word <= METHOD_MAX && line[..word].iter().all(u8::is_ascii_graphic)
}

fn hashed<const N: usize>(pieces: [&[u8]; N]) -> u64 {
    let mut hasher = DefaultHasher::new();
    pieces.iter().flat_map(|piece| piece.iter()).for_each(|byte| byte.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `GET /a?b` was cut, by what was heard, in whatever pieces.
    fn cut(heard: &str) -> bool {
        let uri = Uri::from_static("/a?b");
        let told: Vec<bool> = [1, 2, 3, 7, heard.len()]
            .into_iter()
            .map(|piece| {
                let mut lines = Lines::default();
                heard.as_bytes().chunks(piece).for_each(|bytes| lines.heard(bytes));
                lines.cut(&Method::GET, &uri)
            })
            .collect();
        assert!(told.iter().all(|cut| *cut == told[0]), "{heard:?}: {told:?}");
        told[0]
    }

    #[test]
    fn a_target_that_was_cut_is_told_from_all_others() {
        let head = "host: x\r\n\r\n";
        assert!(cut(&format!("GET /a?b#c HTTP/1.1\r\n{head}")));
        assert!(cut(&format!("\r\nGET /a?b# HTTP/1.1\n{head}")));
        assert!(cut(&format!(
            "POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n#\n#\nGET /a?b#c HTTP/1.1\r\n{head}"
        )));
        assert!(!cut(&format!("GET /a?b HTTP/1.1\r\nx: GET /a?b#c\r\n{head}")));
        assert!(!cut(&format!("GET /a#b HTTP/1.1\r\n{head}")), "another one was");
        assert!(!cut(&format!("PUT /a?b#c HTTP/1.1\r\n{head}")), "another one was");
        assert!(!cut(&format!("POST /a?b HTTP/1.1\r\n{head}# GET /a?b\n{{\"#\": \"GET /a?b#c\"}}")));
    }

    #[test]
    fn a_target_that_is_nothing_else_reads_as_a_slash() {
        let mut lines = Lines::default();
        lines.heard(b"GET #/v1/users HTTP/1.1\r\n");
        assert!(lines.cut(&Method::GET, &Uri::from_static("/")));
        assert!(!lines.cut(&Method::GET, &Uri::from_static("/v1/users")));
    }

    #[test]
    fn little_is_kept_of_what_never_ends() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.heard(&[b'a'; 1024]);
            lines.heard(b"GET /#\n");
        }
        assert!(lines.noted.len() <= NOTED_MAX);
        lines.heard(b"GET /");
        (0..100).for_each(|_| lines.heard(&[b'a'; 1024]));
        assert!(matches!(lines.line, Line::Past));
        lines.heard(b"\n{\"json\": ");
        assert!(matches!(&lines.line, Line::Begun(begun) if begun.len() < 20));
    }
}
