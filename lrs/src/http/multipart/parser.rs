//! The grammar of a multipart body (RFC 2046 5.1), read as it arrives. Pure: chunks in, events out.
//!
//! A line that starts with the delimiter and goes on with anything but `--` or white space belongs to
//! the content, so that bytes that merely look like a delimiter come through as they are.
//!
//! Clients in use put no line break before the delimiter between two attachments. Where a content is as
//! long as was declared, a delimiter ends it all the same.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes that the header of a part may have.
const HEADER_MAX_BYTES: usize = 8 * 1024;

/// White space after a delimiter, at most; RFC 2046 lets transports add some.
const PADDING_MAX_BYTES: usize = 64;

/// What a body holds, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A part begins.
    Part(Header),
    /// Bytes of its content.
    Data(Bytes),
    /// It is whole.
    End,
}

/// The header of a part: names in lower case, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header(Vec<(String, String)>);

impl Header {
    /// The value of a field; `name` is in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// How a body breaks the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The delimiter is nowhere.
    NoDelimiter,
    /// The body ends within a part: the closing delimiter is missing.
    Unclosed,
    /// The header of a part is no header, or names a field twice.
    Header,
    /// The header of a part is too long.
    HeaderTooLong,
}

/// Reads one body.
#[derive(Debug)]
pub(super) struct Parser {
    /// CR LF, two dashes and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
    /// Bytes that the content still has, as was declared.
    left: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Preamble,
    Header,
    Content,
    /// After the closing delimiter, where nothing counts.
    Epilogue,
}

/// What stands at a place that starts with the delimiter.
enum Line {
    /// A delimiter, so many bytes long.
    Delimiter(usize),
    /// The closing one.
    Closing,
    /// Content.
    Other,
    /// Too little is here to tell.
    Unknown,
}

impl Parser {
    pub(super) fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self {
            delimiter,
            // The first delimiter needs no line before it.
            buffer: BytesMut::from(&b"\r\n"[..]),
            state: State::Preamble,
            left: None,
        }
    }

    /// How long the content is that begins, as was declared.
    pub(super) fn declare(&mut self, length: u64) {
        self.left = Some(length);
    }

    /// Takes in what arrived.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        if self.state != State::Epilogue {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// The next event; none: more must be fed.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Broken> {
        match self.state {
            State::Preamble => {
                while let Some(skipped) = self.content() {
                    if skipped.is_empty() {
                        return self.next();
                    }
                }
                Ok(None)
            }
            State::Header => self.header(),
            State::Content => Ok(self.content().map(|data| {
                if data.is_empty() {
                    Event::End
                } else {
                    Event::Data(data)
                }
            })),
            State::Epilogue => Ok(None),
        }
    }

    /// Whether the body may end here.
    pub(super) fn finish(&self) -> Result<(), Broken> {
        match self.state {
            State::Epilogue => Ok(()),
            State::Preamble => Err(Broken::NoDelimiter),
            State::Header | State::Content => Err(Broken::Unclosed),
        }
    }

    /// Bytes before the next delimiter; empty: it stood here, and the state is what follows it.
    fn content(&mut self) -> Option<Bytes> {
        if self.left == Some(0) {
            match self.bare() {
                Line::Unknown => return None,
                Line::Other => self.left = None,
                line => return Some(self.pass(&line, 2)),
            }
        }
        let mut from = 0;
        while let Some(found) = self.find_cr(from) {
            let rest = &self.buffer[found..];
            if !self.delimiter.starts_with(rest) && !rest.starts_with(&self.delimiter) {
                from = found + 1;
                continue;
            }
            let line = line(rest.get(self.delimiter.len()..).unwrap_or_default());
            match line {
                _ if found > 0 && !matches!(line, Line::Other) => return Some(self.take(found)),
                _ if rest.len() < self.delimiter.len() => return None,
                Line::Unknown => return None,
                Line::Other => from = found + 1,
                line => return Some(self.pass(&line, 0)),
            }
        }
        let all = self.buffer.len();
        (all > 0).then(|| self.take(all))
    }

    /// What stands here, were no line break needed before the delimiter.
    fn bare(&self) -> Line {
        let bare = &self.delimiter[2..];
        match self.buffer.strip_prefix(bare) {
            Some(rest) => line(rest),
            None if bare.starts_with(&self.buffer) => Line::Unknown,
            None => Line::Other,
        }
    }

    /// Goes past a delimiter, of which the first bytes may be absent: the end of a content.
    fn pass(&mut self, line: &Line, absent: usize) -> Bytes {
        self.left = None;
        if let Line::Delimiter(length) = line {
            self.buffer.advance(self.delimiter.len() - absent + length);
            self.state = State::Header;
        } else {
            self.buffer.clear();
            self.state = State::Epilogue;
        }
        Bytes::new()
    }

    fn find_cr(&self, from: usize) -> Option<usize> {
        let found = self.buffer[from..].iter().position(|byte| *byte == b'\r')?;
        Some(from + found)
    }

    /// So many bytes of the content, or those up to its declared end.
    fn take(&mut self, bytes: usize) -> Bytes {
        let most = self
            .left
            .and_then(|left| usize::try_from(left).ok())
            .unwrap_or(usize::MAX);
        let taken = self.buffer.split_to(bytes.min(most)).freeze();
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(taken.len() as u64);
        }
        taken
    }

    fn header(&mut self) -> Result<Option<Event>, Broken> {
        const END: &[u8] = b"\r\n\r\n";
        // A part may have no header at all: then its content follows an empty line.
        let end = if self.buffer.starts_with(b"\r\n") {
            Some((0, 2))
        } else {
            let found = self.buffer.windows(END.len()).position(|four| four == END);
            found.map(|at| (at, at + END.len()))
        };
        let too_long = match end {
            Some((length, _)) => length > HEADER_MAX_BYTES,
            None => self.buffer.len() > HEADER_MAX_BYTES,
        };
        if too_long {
            return Err(Broken::HeaderTooLong);
        }
        let Some((length, content)) = end else {
            return Ok(None);
        };
        let header = read_header(&self.buffer[..length]).ok_or(Broken::Header)?;
        self.buffer.advance(content);
        self.state = State::Content;
        Ok(Some(Event::Part(header)))
    }
}

/// What follows the delimiter in its line.
fn line(rest: &[u8]) -> Line {
    if rest.starts_with(b"--") {
        return Line::Closing;
    }
    let padding = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    match rest.get(padding..) {
        _ if padding > PADDING_MAX_BYTES => Line::Other,
        Some([b'\r', b'\n', ..]) => Line::Delimiter(padding + 2),
        Some([] | [b'\r']) => Line::Unknown,
        Some([b'-']) if padding == 0 => Line::Unknown,
        _ => Line::Other,
    }
}

fn read_header(bytes: &[u8]) -> Option<Header> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        let name = name.to_ascii_lowercase();
        let value = value.trim_matches([' ', '\t']);
        let is_twice = fields.iter().any(|(known, _)| *known == name);
        if name.is_empty()
            || !name.bytes().all(is_token)
            || value.chars().any(char::is_control)
            || is_twice
        {
            return None;
        }
        fields.push((name, value.to_owned()));
    }
    Some(Header(fields))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Parts = Vec<(Option<String>, Vec<u8>)>;

    /// Parts as their `content-type` and content; the body is fed in pieces of these sizes.
    fn read(boundary: &str, body: &[u8], sizes: &[usize]) -> Result<Parts, Broken> {
        let mut parser = Parser::new(boundary);
        let mut parts = Parts::new();
        let mut rest = body;
        let mut sizes = sizes.iter().copied().chain([usize::MAX]);
        loop {
            while let Some(event) = parser.next()? {
                match event {
                    Event::Part(header) => {
                        parts.push((header.get("content-type").map(str::to_owned), Vec::new()));
                    }
                    Event::Data(data) => parts.last_mut().expect("a part").1.extend(data),
                    Event::End => {}
                }
            }
            if rest.is_empty() {
                parser.finish()?;
                return Ok(parts);
            }
            let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
            parser.feed(&rest[..size]);
            rest = &rest[size..];
        }
    }

    fn written(boundary: &str, parts: &Parts) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, content) in parts {
            body.extend(format!("\r\n--{boundary}\r\n").bytes());
            if let Some(kind) = kind {
                body.extend(format!("Content-Type: {kind}\r\n").bytes());
            }
            body.extend(b"\r\n");
            body.extend(content);
        }
        body.extend(format!("\r\n--{boundary}--\r\nepilogue").bytes());
        body
    }

    /// Whether a delimiter stands in a content, read slowly: after it, white space and a line break,
    /// or two dashes.
    fn holds_delimiter(boundary: &str, content: &[u8]) -> bool {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let whole = [content, &delimiter].concat();
        (0..content.len()).any(|at| {
            whole[at..]
                .strip_prefix(&delimiter[..])
                .is_some_and(|rest| {
                    let padding = rest.iter().take_while(|c| b" \t".contains(c)).count();
                    rest.starts_with(b"--") || rest[padding..].starts_with(b"\r\n")
                })
        })
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop_oneof![
            Just(b"\r\n--b".to_vec()),
            Just(b"\r\n--".to_vec()),
            Just(b"--b--".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"-".to_vec()),
            Just(b" ".to_vec()),
            Just(b"b".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20),
        ];
        proptest::collection::vec(pieces, 0..12)
            .prop_map(|pieces| pieces.concat())
            .prop_filter("a delimiter inside ends the part", |content| {
                !holds_delimiter("b", content)
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_arrives(
            parts in proptest::collection::vec((proptest::option::of("[a-z]{1,9}"), content()), 1..5),
            sizes in proptest::collection::vec(1_usize..9, 0..200),
        ) {
            let body = written("b", &parts);
            prop_assert_eq!(read("b", &body, &sizes), Ok(parts));
        }

        #[test]
        fn any_bytes_are_read_or_refused_however_they_arrive(
            body in proptest::collection::vec(prop_oneof![
                Just(b"\r\n--b\r\n".to_vec()), Just(b"--b--".to_vec()), Just(b"a:b\r\n\r\n".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..5)], 0..12),
            sizes in proptest::collection::vec(1_usize..9, 0..100),
        ) {
            let body = body.concat();
            let whole = read("b", &body, &[]);
            prop_assert_eq!(read("b", &body, &sizes), whole);
        }
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let boundary = "abcABC0123'()+_,-./:=?";
        let body = format!(
            "\r\n--{boundary}\r\nContent-Type:application/json\r\n\r\n{{}}\r\n--{boundary}  \r\nContent-Type:text/plain\r\nContent-Transfer-Encoding:binary\r\n\r\nhere is a simple attachment\r\n--{boundary}--"
        );
        let parts = read(boundary, body.as_bytes(), &[7]).expect("two parts");
        assert_eq!(parts[0], (Some("application/json".into()), b"{}".to_vec()));
        assert_eq!(parts[1].1, b"here is a simple attachment");
    }

    /// The contents of a body, each declared as long as here.
    fn declared(body: &[u8], lengths: &[u64], size: usize) -> Result<Vec<Vec<u8>>, Broken> {
        let mut parser = Parser::new("b");
        let mut lengths = lengths.iter();
        let mut contents: Vec<Vec<u8>> = Vec::new();
        let mut pieces = body.chunks(size);
        loop {
            while let Some(event) = parser.next()? {
                match event {
                    Event::Part(_) => {
                        contents.push(Vec::new());
                        parser.declare(*lengths.next().expect("a length for each part"));
                    }
                    Event::Data(data) => contents.last_mut().expect("a part").extend(data),
                    Event::End => {}
                }
            }
            match pieces.next() {
                Some(piece) => parser.feed(piece),
                None => return parser.finish().map(|()| contents),
            }
        }
    }

    #[test]
    fn a_content_as_long_as_declared_ends_without_a_line_break() {
        let body = b"--b\r\n\r\none--b\r\n\r\ntwo\r\n--b\r\n\r\n--b\r\n\r\nfour--b--";
        let contents = ["one", "two", "", "four"].map(|text| text.as_bytes().to_vec());
        for size in 1..=body.len() {
            assert_eq!(
                declared(body, &[3, 3, 0, 4], size),
                Ok(contents.to_vec()),
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn elsewhere_a_delimiter_needs_its_line_break() {
        let body = b"--b\r\n\r\none--b\r\nx--b--two\r\n--b--";
        for lengths in [[2], [4], [16], [1_000]] {
            let content = b"one--b\r\nx--b--two".to_vec();
            assert_eq!(
                declared(body, &lengths, 5),
                Ok(vec![content]),
                "{lengths:?}"
            );
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_told() {
        for (body, broken) in [
            ("", Broken::NoDelimiter),
            ("{}", Broken::NoDelimiter),
            ("--other\r\n\r\nx\r\n--other--", Broken::NoDelimiter),
            ("--b\r\n\r\nx", Broken::Unclosed),
            ("--b\r\nA: b\r\n", Broken::Unclosed),
            ("--b\r\nno field\r\n\r\nx\r\n--b--", Broken::Header),
            ("--b\r\nA: 1\r\na: 2\r\n\r\nx\r\n--b--", Broken::Header),
            ("--b\r\nA: \u{1}\r\n\r\nx\r\n--b--", Broken::Header),
        ] {
            assert_eq!(read("b", body.as_bytes(), &[]), Err(broken), "{body:?}");
        }
        let long = format!("--b\r\nA: {}\r\n\r\nx\r\n--b--", "a".repeat(9_000));
        assert_eq!(read("b", long.as_bytes(), &[]), Err(Broken::HeaderTooLong));
        assert_eq!(
            read("b", long.as_bytes(), &[1_000; 9]),
            Err(Broken::HeaderTooLong)
        );
    }
}
