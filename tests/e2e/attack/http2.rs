//! A client of HTTP/2 (RFC 9113) that writes what it is told: names and values byte for byte, in literals of HPACK (RFC
//! 7541, 6.2.2).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::wire::{Ending, Field, Raw};

pub struct Connection {
    stream: TcpStream,
    next: u32,
}

impl Connection {
    pub fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = Self { stream, next: 1 };
        connection.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        connection.frame(SETTINGS, 0, 0, &[]);
        connection
    }

    /// Sends a request and waits for what becomes of it.
    pub fn exchange(&mut self, request: &Raw) -> Ending {
        let stream = self.send(request);
        self.wait(stream)
    }

    /// Sends a request, and says on which stream.
    pub fn send(&mut self, request: &Raw) -> u32 {
        let pseudo = [
            (b":method".to_vec(), request.method.clone()),
            (b":scheme".to_vec(), b"http".to_vec()),
            (b":authority".to_vec(), b"api.example".to_vec()),
            (b":path".to_vec(), request.target.clone()),
        ];
        let fields: Vec<Field> = pseudo.into_iter().chain(request.fields.iter().cloned()).collect();
        let stream = self.begin(&fields, request.body.is_empty() && request.trailers.is_empty());
        if !request.body.is_empty() {
            let flags = if request.trailers.is_empty() { END_STREAM } else { 0 };
            self.frame(DATA, flags, stream, &request.body);
        }
        if !request.trailers.is_empty() {
            self.fields(&request.trailers, true, stream);
        }
        stream
    }

    /// Begins a request with these fields alone.
    pub fn begin(&mut self, fields: &[Field], is_all: bool) -> u32 {
        let stream = self.next;
        self.next += 2;
        self.fields(fields, is_all, stream);
        stream
    }

    pub fn reset(&mut self, stream: u32) {
        self.frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    }

    fn fields(&mut self, fields: &[Field], is_all: bool, stream: u32) {
        let block: Vec<u8> = fields.iter().flat_map(literal).collect();
        let pieces: Vec<&[u8]> = block.chunks(MAX_FRAME).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let kind = if index == 0 { HEADERS } else { CONTINUATION };
            let end = if index + 1 == pieces.len() { END_HEADERS } else { 0 };
            let flags = end | if is_all && index == 0 { END_STREAM } else { 0 };
            self.frame(kind, flags, stream, piece);
        }
    }

    /// What becomes of a request; what is heard of others is passed over.
    pub fn wait(&mut self, wanted: u32) -> Ending {
        let mut status = None;
        loop {
            let Some((kind, flags, stream, payload)) = self.read() else { return Ending::Cut };
            match kind {
                GOAWAY => return Ending::Cut,
                RST_STREAM if stream == wanted => return status.map_or(Ending::Cut, Ending::Answered),
                HEADERS | DATA if stream == wanted => {
                    if kind == HEADERS && status.is_none() {
                        status = Some(status_of(&payload));
                    }
                    if flags & END_STREAM != 0 {
                        return Ending::Answered(status.unwrap());
                    }
                }
                _other => {}
            }
        }
    }

    fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        self.stream.read_exact(&mut payload).ok()?;
        Some((kind, flags, u32::from_be_bytes(stream), payload))
    }

    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.write(&[&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat());
    }

    /// The gateway may have closed.
    fn write(&mut self, bytes: &[u8]) {
        let _written = self.stream.write_all(bytes);
    }
}

/// A literal that is not indexed, with a new name, without Huffman's code.
fn literal((name, value): &Field) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        number(text.len(), &mut bytes);
        bytes.extend_from_slice(text);
    }
    bytes
}

/// RFC 7541, 5.1, with a prefix of seven bits.
fn number(mut rest: usize, bytes: &mut Vec<u8>) {
    if rest < 127 {
        return bytes.push(rest as u8);
    }
    bytes.push(127);
    rest -= 127;
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
}

/// The status at the front of an answer's fields: one of the static table (RFC 7541, A), or three digits.
fn status_of(block: &[u8]) -> u16 {
    let (indexed, value) = match block {
        [indexed @ 0x88..=0x8e, ..] => (Some(usize::from(indexed - 0x88)), &[][..]),
        [0x48 | 0x08 | 0x18, length, rest @ ..] => (None, &rest[..usize::from(length & 0x7f)]),
        other => panic!("{other:?} does not begin with a status"),
    };
    if let Some(index) = indexed {
        return [200, 204, 206, 304, 400, 404, 500][index];
    }
    if value.len() == 3 && value.iter().all(u8::is_ascii_digit) {
        return std::str::from_utf8(value).unwrap().parse().unwrap();
    }
    // Huffman's code (RFC 7541, B): 0, 1 and 2 have five bits, 3 to 9 six, from 011001 on.
    let bits: Vec<u8> = value.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let (mut rest, mut status) = (&bits[..], 0);
    for _digit in 0..3 {
        let of = |count: usize| rest[..count].iter().fold(0, |number, bit| number << 1 | u16::from(*bit));
        let (digit, length) = if of(5) <= 2 { (of(5), 5) } else { (of(6) - 0b01_1001 + 3, 6) };
        status = status * 10 + digit;
        rest = &rest[length..];
    }
    status
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const CANCEL: u32 = 8;
const MAX_FRAME: usize = 16_384;
