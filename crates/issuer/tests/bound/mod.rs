//! A credential that is bound to no key of the holder, for tokens that are bound to one (RFC 9449).

use keys::signer::SoftwareKey;
use serde_json::{Value, json};
use testkit::wire::Answer;
use testkit::world::World;

pub(crate) const TICKET: &str = "course_ticket";

pub(crate) async fn code(world: &World) -> String {
    world.offer(TICKET, &json!({})).await.code
}

pub(crate) fn ticket() -> Value {
    json!({ "credential_configuration_id": TICKET })
}

/// A Credential Request with a bound token and a good proof of this key.
pub(crate) async fn use_token(world: &World, token: &str, key: &SoftwareKey) -> Answer {
    let proof = world.dpop(key, "credential", Some(token)).sign(key).await;
    let scheme = format!("DPoP {token}");
    world.credential_as(&[("authorization", &scheme), ("DPoP", &proof)], &ticket()).await
}
