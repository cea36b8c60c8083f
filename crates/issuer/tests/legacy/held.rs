//! Offers that are out before they can be taken: Wallets of drafts 8 to 13 ask again (draft 8, section 7.2;
//! draft 13, section 6.3).

use issuer::store::PurgeBefore;
use keys::outside::{Clock as _, Timestamp};
use serde_json::{Value, json};
use testkit::wire::Answer;

use crate::speaker::{DIPLOMA, DRAFTS, Speaker, world};

async fn release(speaker: Speaker<'_>, id: &str) -> u16 {
    let path = format!("/admin/v1/offers/{id}/release");
    speaker.world.operator("POST", &path, None).await.status
}

/// Until draft 11 the answer says how long to wait (draft 8, section 7.2).
fn is_pending(draft: u32, answer: &Answer, code: &str) -> bool {
    if draft > 11 {
        return answer.is(400, code);
    }
    let told = answer.json();
    answer.status == 400 && told["error"] == code && told["interval"] == 5
}

/// Nothing is spent or counted meanwhile, and who has no code hears nothing of it.
#[tokio::test]
async fn who_comes_too_early_comes_again() {
    let world = world().await;
    for draft in DRAFTS.into_iter().filter(|draft| *draft <= 13) {
        let speaker = Speaker { world: &world, draft };
        let more = json!({ "held": true, "tx_code": true });
        let offered = speaker.offer(DIPLOMA, more).await;
        let pin = offered.pin.as_deref().unwrap();
        let take =
            async |pin: &str| speaker.redeem(&offered.code, &[(speaker.pin_name(), pin)]).await;
        assert!(is_pending(draft, &take(pin).await, "authorization_pending"));
        // Until draft 11 there is no other word.
        let too_soon = if draft <= 11 { "authorization_pending" } else { "slow_down" };
        assert!(is_pending(draft, &take(pin).await, too_soon));
        for _ in 0..10 {
            world.clock.advance(5);
            let guess = take("wrong").await;
            assert!(is_pending(draft, &guess, "authorization_pending"), "no guess is judged");
        }
        let other = offered.code.replace(&offered.code[offered.code.len() - 4..], "AAAA");
        assert!(speaker.redeem(&other, &[]).await.is(400, "invalid_grant"));
        assert_eq!(release(speaker, &offered.id).await, 204);
        assert_eq!(release(speaker, &offered.id).await, 404, "it is not held any more");
        take(pin).await.success();
    }
}

/// An offer that is over is over, whoever was to release it.
#[tokio::test]
async fn a_held_offer_ends_as_others_do() {
    let world = world().await;
    let speaker = Speaker { world: &world, draft: 13 };
    let offered = speaker.offer(DIPLOMA, json!({ "held": true, "expires_in": 60 })).await;
    assert!(speaker.redeem(&offered.code, &[]).await.is(400, "authorization_pending"));
    world.clock.advance(60);
    assert!(speaker.redeem(&offered.code, &[]).await.is(400, "invalid_grant"));
    release(speaker, &offered.id).await;
    assert!(speaker.redeem(&offered.code, &[]).await.is(400, "invalid_grant"));
}

/// A node whose clock is ahead purges what is over, before it is over on this one.
#[tokio::test]
async fn what_is_held_is_held_for_longer_than_it_is_good() {
    let world = world().await;
    let speaker = Speaker { world: &world, draft: 13 };
    let offered = speaker.offer(DIPLOMA, json!({ "held": true, "expires_in": 60 })).await;
    let never = Timestamp(0);
    let ahead = PurgeBefore {
        now: world.clock.now().plus(3600),
        claims: never,
        applications: never,
        offers: never,
        issuances: never,
    };
    world.issuer.store.purge(&ahead, 100).await.unwrap();
    assert!(speaker.redeem(&offered.code, &[]).await.is(400, "authorization_pending"));
}

/// Others have no word for it, and would take the first answer for the last.
#[tokio::test]
async fn wallets_that_cannot_wait_get_no_such_offer() {
    let world = world().await;
    for draft in DRAFTS.into_iter().filter(|draft| *draft > 13) {
        let answer = Speaker { world: &world, draft }.wish(DIPLOMA, json!({ "held": true })).await;
        assert_eq!(answer.status, 422, "{draft}: {answer:?}");
    }
    let wish: Value = world.wish(DIPLOMA, &json!({ "held": true }));
    assert_eq!(world.operator("POST", "/admin/v1/offers", Some(&wish)).await.status, 422);
}
