//! What a draft does otherwise than 1.0, for people who watch the twenty steps.

use super::Dialect;
use super::dialect::Draft;

/// The first and the last draft that do so, the step, and what they do.
const DIFFERENCES: [(Draft, Draft, u8, &str); 17] = [
    (Draft::D8, Draft::D8, 2, "each member of the offer is a parameter of its link"),
    (Draft::D9, Draft::D9, 2, "the offer has no grants: the code stands beside the credentials"),
    (Draft::D8, Draft::D9, 3, "the link begins with openid-initiate-issuance, and holds the offer"),
    (Draft::D11, Draft::D12, 2, "the offer has credentials, not credential_configuration_ids"),
    (Draft::D8, Draft::D12, 4, "that a code is to be typed is said by user_pin_required"),
    (
        Draft::D8,
        Draft::D9,
        6,
        "what is issued stands among the metadata of the authorization server",
    ),
    (Draft::D8, Draft::D8, 6, "credentials_supported is a map, with an object for each format"),
    (Draft::D9, Draft::D11, 6, "credentials_supported is a list"),
    (Draft::D12, Draft::D12, 6, "credentials_supported is a map"),
    (Draft::D13, Draft::D14, 6, "claims are described by a tree, not by paths"),
    (Draft::D15, Draft::D15, 6, "claims stand beside the format: there is no credential_metadata"),
    (Draft::D8, Draft::D12, 8, "the transaction code is called user_pin"),
    (Draft::D8, Draft::D14, 11, "the nonce for the proof comes with the token"),
    (Draft::D8, Draft::D9, 12, "the proof names the wallet, even one without a name"),
    (Draft::D8, Draft::D14, 13, "the credential is named by its format and type, not by an id"),
    (Draft::D8, Draft::D12, 18, "the answer has one credential, beside its format"),
    (Draft::D13, Draft::D14, 18, "the answer has one credential, and no list"),
];

impl Dialect {
    /// What is otherwise than in 1.0 at this one of the twenty steps.
    pub fn differences(self, step: u8) -> impl Iterator<Item = &'static str> {
        let is_here = move |(first, last, at, _): &(Draft, Draft, u8, &str)| {
            *at == step && (*first..=*last).contains(&self.0)
        };
        DIFFERENCES.into_iter().filter(is_here).map(|(.., what)| what)
    }
}
