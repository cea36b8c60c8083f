//! VCI §6.3: how each refusal of a Token Request is answered.

#[macro_use]
mod refusals;

use oid4vci::attestation::client::ClientAttestationRefusal;
use oid4vci::dpop::DpopRefusal;
use oid4vci::error::{Demand, ErrorCode, Refusal as _};
use oid4vci::token::TokenRefusal;
use refusals::check_texts;
use serde_json::to_value;

/// The code of each, as the specs have it.
fn code_of(refusal: TokenRefusal) -> ErrorCode {
    use TokenRefusal::*;
    match refusal {
        // TOKEN-25, TOKEN-26, RFC 6749 §5.2
        UnknownCode
        | ExpiredCode
        | WrongTxCode
        | UnknownAuthorizationCode
        | OtherRedirectUri
        | WrongVerifier
        | OtherKey
        | UnknownRefreshToken => ErrorCode::InvalidGrant,
        ForeignResource => ErrorCode::InvalidTarget, // RFC 8707 §2.2
        ScopeNotGranted => ErrorCode::InvalidScope,
        InvalidTxCode => ErrorCode::InvalidTxCode, // V11-15
        AnonymousClient | Registered(_) => ErrorCode::InvalidClient, // TOKEN-27
        Dpop(_) => ErrorCode::UseDpopNonce,        // RFC 9449 §8
        Client(_) => ErrorCode::UseAttestationChallenge, // WALATT-09
        UnsupportedGrantType => ErrorCode::UnsupportedGrantType, // TOKEN-28
        BadDetails | DetailsNotOffered => ErrorCode::InvalidAuthorizationDetails, // DEP-09
        // TOKEN-23, TOKEN-24, TOKEN-28, RFC 6749 §5.2
        MissingTxCode | UnexpectedTxCode | RepeatedParameter | Unreadable | TooLong
        | MissingGrantType | MissingCode | MissingCodeParameter | MissingRefreshToken => {
            ErrorCode::InvalidRequest
        }
    }
}

/// VCI §6.3, TOKEN-22: every refusal and its code.
#[test]
fn each_refusal_of_a_token_request_has_its_code_and_text() {
    let all = every!(TokenRefusal {
        Unreadable,
        TooLong,
        RepeatedParameter,
        MissingGrantType,
        UnsupportedGrantType,
        MissingCode,
        AnonymousClient,
        UnknownCode,
        ExpiredCode,
        BadDetails,
        DetailsNotOffered,
        WrongTxCode,
        InvalidTxCode,
        MissingTxCode,
        UnexpectedTxCode,
        MissingCodeParameter,
        UnknownAuthorizationCode,
        OtherRedirectUri,
        WrongVerifier,
        OtherKey,
        MissingRefreshToken,
        UnknownRefreshToken,
        ForeignResource,
        ScopeNotGranted,
    } except TokenRefusal::Dpop(_) | TokenRefusal::Client(_) | TokenRefusal::Registered(_));
    check_texts(&all.map(|refusal| refusal.answer().1));
    let inner = [
        TokenRefusal::Dpop(DpopRefusal::NoNonce),
        TokenRefusal::Client(ClientAttestationRefusal::NoChallenge),
    ];
    for refusal in all.into_iter().chain(inner) {
        let code = code_of(refusal);
        assert_eq!((refusal.answer().0, refusal.status()), (code, 400), "{refusal:?}");
        let demand = if code == ErrorCode::UseDpopNonce {
            Some(Demand::DpopNonce) // RFC 9449 §8
        } else {
            (code == ErrorCode::UseAttestationChallenge).then_some(Demand::AttestationChallenge)
        };
        assert_eq!(refusal.demand(), demand, "{refusal:?}");
        assert_eq!(refusal.challenge(), None, "TOKEN-22: only failed authentication by header");
        let name = to_value(refusal.answer().0).unwrap();
        assert_eq!(name, refusal.answer().0.name(), "one name on the wire");
    }
}
