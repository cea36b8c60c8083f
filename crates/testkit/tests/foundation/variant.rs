//! In which of its variants the suite runs a module.

/// The suite's variants, as far as they change what is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Variant {
    /// `vci_grant_type=authorization_code`; else the Pre-Authorized Code with a Transaction Code.
    pub(crate) signs_in: bool,
    /// `client_auth_type=client_attestation`; else a public client.
    pub(crate) attested: bool,
    /// `sender_constrain=dpop`; else Bearer tokens.
    pub(crate) bound: bool,
    /// `vci_credential_encryption=encrypted`
    pub(crate) encrypted: bool,
    /// `vci_credential_issuance_mode=deferred`
    pub(crate) deferred: bool,
}

impl Variant {
    /// As the plan for HAIP fixes it.
    pub(crate) const HAIP: Self =
        Self { signs_in: true, attested: true, bound: true, encrypted: false, deferred: false };
    /// As the plan for HAIP fixes it, issued to whoever has the code.
    pub(crate) const HAIP_PRE_AUTHORIZED: Self = Self { signs_in: false, ..Self::HAIP };
    /// Nothing but what 1.0 has no choice about.
    pub(crate) const PLAIN: Self =
        Self { signs_in: false, attested: false, bound: false, encrypted: false, deferred: false };

    /// Every way through it.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let bit = |number: u8, place: u8| number >> place & 1 == 1;
        (0..32).map(move |number| Self {
            signs_in: bit(number, 0),
            attested: bit(number, 1),
            bound: bit(number, 2),
            encrypted: bit(number, 3),
            deferred: bit(number, 4),
        })
    }
}
