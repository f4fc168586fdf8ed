//! Owns the patterns of single values in the schema, as regular expressions of JSON Schema.

/// A name that is safe in a header, a metric and a log.
pub(super) const NAME: &str = "^[A-Za-z0-9._-]{1,64}$";

/// More than spaces. Which characters are spaces is told differently by every reader, so only those of ASCII are.
pub(super) const SOMETHING: &str = "[^ \\t\\r\\n]";

/// Without spaces, of which only those of ASCII are spaces to every reader.
pub(super) const CLUSTER: &str = "^[^ \\t\\r\\n]+$";

pub(super) const SPAN: &str = "^[0-9]+(ms|s|m|h)$";

pub(super) const HEADER: &str = "^[a-z0-9][a-z0-9-]*$";

pub(super) const HOST: &str = r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$";

pub(super) const HOST_PATTERN: &str = r"^((\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$";

pub(super) const HEADER_VALUE: &str = "^[!-~]([ -~]*[!-~])?$";

/// A path with an optional query of `name=value`.
pub(super) const TARGET: &str = r"^/[^?#]*(\?[^#=&]+=[^#&]*(&[^#=&]+=[^#&]*)*)?$";
/// RFC 6838, 4.2.
pub(super) const MEDIA_TYPE: &str = "^[A-Za-z0-9!#$&^_.+/-]+$";

/// A path, and a query where one is wanted.
pub(super) const PATH_AND_QUERY: &str = r"^/[^?#]*(\?[^#]*[^?#])?$";

/// A path, or the template of one.
pub(super) const PATH: &str = "^/[^?#]*$";

/// RFC 6901, 3, but for the empty pointer.
pub(super) const POINTER: &str = "^/([^~]|~[01])*$";

pub(super) const FACT_NAME: &str = "^[a-z][a-z0-9_]*$";

/// Name of a cookie or a parameter of the query.
pub(super) const COOKIE_NAME: &str = "^[A-Za-z0-9._-]{1,64}$";

/// RFC 9110, 11.1.
pub(super) const SCHEME: &str = "^[A-Za-z0-9-]+$";

/// Beginning of a credential.
pub(super) const PREFIX: &str = "^[!-~]{1,64}$";

/// Tenant of an issuer.
pub(super) const TENANT: &str = "^[A-Za-z0-9._~-]{1,253}$";

/// Name of a credential.
pub(super) const CREDENTIAL: &str = "^[a-z][a-z0-9_]{0,31}$";

pub(super) const FACT: &str = r"^[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]*$";

/// RFC 6749, 3.3.
pub(super) const SCOPE: &str = r"^[!#-\[\]-~]+$";

pub(super) const MESSAGE: &str = r"^([^{}]|\{(missing_scopes|wanted_scopes)\})+$";
