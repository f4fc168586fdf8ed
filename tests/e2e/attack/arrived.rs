//! Owns what arrived at the service, read as the service reads it, and held against what may arrive.

use super::{API_KEY, CLIENT, NOTHING, TOKEN};

/// A request as Envoy has sent it.
#[derive(Debug)]
pub struct Arrived {
    pub method: String,
    pub target: String,
    fields: Vec<(String, String)>,
}

/// The requests in what Envoy has sent: one after the other, to the last byte.
pub fn requests(sent: &str) -> Vec<Arrived> {
    let (mut all, mut rest) = (Vec::new(), sent);
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 96];
        let mut request = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(length)) = request.parse(rest.as_bytes()) else { panic!("{sent:?}") };
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let fields: Vec<_> =
            request.headers.iter().map(|field| (field.name.to_lowercase(), text(field.value))).collect();
        all.push(Arrived { method: request.method.unwrap().into(), target: request.path.unwrap().into(), fields });
        let body = all.last().unwrap().body_length();
        rest = rest[length..].get(body..).unwrap_or_else(|| panic!("{sent:?}"));
    }
    all
}

impl Arrived {
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _value)| known == name).map(|(_name, value)| value.as_str()).collect()
    }

    fn body_length(&self) -> usize {
        assert_eq!(self.values("transfer-encoding"), [""; 0], "{self:?}");
        match self.values("content-length")[..] {
            [] => 0,
            [length] => length.parse().unwrap(),
            _ => panic!("{self:?}"),
        }
    }

    /// What may arrive: the deletion of nothing, in the name of the token's owner and of nobody else; or the public
    /// route, in nobody's.
    #[track_caller]
    pub fn assert_sound(&self) {
        let is_public = self.method == "GET" && self.target.split('?').next() == Some("/readyz");
        let is_deletion = self.method == "DELETE" && self.target.split('?').next() == Some(NOTHING);
        assert!(is_public || is_deletion, "{self:?}");
        let own = [("x-consumer-client-id", CLIENT), ("x-consumer-scope", "connection:delete")];
        for (name, value) in own {
            assert_eq!(self.values(name), if is_public { vec![] } else { vec![value] }, "{self:?}");
        }
        assert_eq!(self.values("x-consumer-id").len(), usize::from(is_deletion), "{self:?}");
        assert_eq!(self.values("upgrade"), [""; 0], "{self:?}");
        for (name, value) in &self.fields {
            let folded: String =
                name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
            let is_ours = ["x-consumer-id", "x-consumer-client-id", "x-consumer-scope"].contains(&&**name);
            let is_an_identity = folded.starts_with("x-consumer-") || folded == "x-person-id";
            assert!(!is_an_identity || is_ours, "{self:?}");
            assert!(!is_an_identity || !value.contains("forged"), "{self:?}");
            assert!(!["api-key", "authorization"].contains(&&*folded), "{self:?}");
            assert!(!value.contains(API_KEY) && !value.contains(TOKEN), "{self:?}");
        }
    }
}
