//! A type in several formats is one type for people.

use std::fs;

use axum::http::StatusCode;
use issuer::init::Purpose;

use crate::browser::World;

const TYPE: &str = include_str!("../../../../docs/credential-types/library_card.toml");

#[tokio::test]
async fn people_apply_once_and_the_offer_has_all_formats() {
    for (line, expected) in [
        ("", &["library_card", "library_card_mdoc", "library_card_ldp_vc"][..]),
        ("portal = false", &["library_card", "library_card_ldp_vc"]),
    ] {
        let world = World::new("https://issuer.example", Purpose::Service, |config| {
            let text = TYPE.replace("\"officer\"", "\"at-once\"");
            let text = text.replace("name_space =", &format!("{line}\nname_space ="));
            fs::write(config.credentials.join("library_card.toml"), text).unwrap();
        });
        let mut browser = world.browser().with("accept-language", "de");
        let index = browser.get("/").await;
        assert_eq!(index.text().matches("/apply/library_card").count(), 1, "{}", index.text());
        for further in ["library_card_mdoc", "library_card_ldp_vc"] {
            let page = browser.get(&format!("/apply/{further}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        }
        let form = browser.get("/apply/library_card").await;
        assert_eq!(form.text().matches("name=\"card_number\"").count(), 1);
        let filled = "given_name=Erika&family_name=Mustermann&card_number=L-1";
        let path = browser.apply("library_card", filled).await;
        assert!(browser.get(&path).await.link().starts_with("openid-credential-offer:"));
        let [applied] = &world.applications().await[..] else { panic!("one application") };
        assert_eq!(applied.credential_configuration_id, "library_card");
        let offer = world.issuer.store.grant(applied.offer_id.unwrap()).await.unwrap().unwrap();
        assert_eq!(offer.credential_configuration_ids, expected);
    }
}
