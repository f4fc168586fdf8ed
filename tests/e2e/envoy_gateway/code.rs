//! The server from which a controller's proxies fetch plugins.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use aws_lc_rs::digest::{SHA256, digest};

/// What is served, each by its checksum.
pub struct Code {
    pub sha256: String,
    /// The same plugin with a section that says nothing: other bytes.
    pub other_sha256: String,
}

pub fn serve(at: &Path, code: &[u8]) -> Code {
    // A custom section (0) of two bytes: a name of one letter, and nothing.
    let other = [code, b"\0\x02\x01x"].concat();
    let sum =
        |bytes: &[u8]| digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let files = [(sum(code), code.to_vec()), (sum(&other), other)];
    let served = Code { sha256: files[0].0.clone(), other_sha256: files[1].0.clone() };
    let listener = UnixListener::bind(at).unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, files) = (connection.unwrap(), files.clone());
            thread::spawn(move || {
                let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    match connection.read(&mut chunk) {
                        Ok(0) | Err(_) => return,
                        Ok(length) => head.extend_from_slice(&chunk[..length]),
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let (_sum, file) = files.iter().find(|(sum, _)| head.contains(sum.as_str())).unwrap();
                let start = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", file.len());
                let _gone = connection.write_all(start.as_bytes()).and_then(|()| connection.write_all(file));
            });
        }
    });
    served
}
