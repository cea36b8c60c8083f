//! ISO mdoc, format `mso_mdoc` (VCI §A.2, ISO 18013-5 §9.1.2): data elements in name spaces, each with
//! a digest in a Mobile Security Object that the issuer signs.
//!
//! A digest is over the very bytes that came, so an element is never written anew to verify it.

mod element;
mod issue;
mod issuer_signed;
mod lint;
mod response;
mod security_object;

pub use element::Element;
pub use issue::{MdocClaims, NameSpace, Prepared, issue, prepare, sign};
pub use issuer_signed::Mdoc;
pub(crate) use lint::check;
pub use response::{ShownMdoc, device_response};

/// The Credential Format Identifier (FMT-MDOC-01).
pub const FORMAT: &str = "mso_mdoc";

/// The element that names the country of the issuing authority, in whichever name space.
pub const ISSUING_COUNTRY: &str = "issuing_country";

/// CBOR inside a byte string (RFC 8949 §3.4.5.1).
const EMBEDDED: u64 = 24;
/// The only version of the security object that we know.
const VERSION: &str = "1.0";
/// Most elements of one name space.
const ELEMENTS_MAX: u64 = 1024;
/// Most name spaces.
const NAME_SPACES_MAX: u64 = 64;
/// Shortest salt of an element (ISO 18013-5 §9.1.2.5).
const RANDOM_BYTES_MIN: usize = 16;
