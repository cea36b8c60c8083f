//! Accounts: what an operator makes, and what is kept of a password.

use issuer::account::{NAME_LENGTH_MAX, Password, PasswordHash, is_account_name};
use serde_json::{Value, json};
use testkit::outside::TestRandom;
use testkit::sign_in::{PASSWORD, with_client};
use testkit::wire::Answer;
use testkit::world::World;

async fn add(world: &World, name: &str, password: &str, claims: &Value) -> Answer {
    let body = json!({ "name": name, "password": password, "claims": claims });
    world.operator("POST", "/admin/v1/accounts", Some(&body)).await
}

#[test]
fn a_password_is_kept_as_a_hash_of_its_own() {
    let random = TestRandom::new(5);
    let password = Password::new(PASSWORD);
    let hash = || PasswordHash::of(&password, PasswordHash::salt(&random)).unwrap();
    let (one, other) = (hash(), hash());
    assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.expose());
    assert_ne!(one.expose(), other.expose(), "equal passwords do not look equal");
    assert!(one.matches(&password) && other.matches(&password));
    let kept = PasswordHash::new(one.expose().to_owned());
    assert!(kept.matches(&password) && !kept.matches(&Password::new("another one")));
    assert!(!PasswordHash::of_nobody().matches(&password));
    let hungry = one.expose().replace("m=19456", "m=999999999");
    assert!(!PasswordHash::new(hungry).matches(&password), "it must not eat all memory");
    assert!(!PasswordHash::new("nonsense".into()).matches(&password));
    for shown in [format!("{password:?}"), format!("{one:?}")] {
        assert!(!shown.contains(PASSWORD) && !shown.contains("argon2"), "{shown}");
    }
}

#[test]
fn a_name_can_be_typed_and_mistaken_for_no_other() {
    let long = "x".repeat(NAME_LENGTH_MAX + 1);
    for (name, good) in [
        ("ada", true),
        ("ada@example.org", true),
        ("Zoë Müller", true),
        ("", false),
        (" ada", false),
        ("a\u{200b}da", false),
        ("a\nda", false),
        (&long, false),
    ] {
        assert_eq!(is_account_name(name), good, "{name:?}");
    }
}

/// What is wrong is told to the operator; a password is in no answer.
#[tokio::test]
async fn an_operator_makes_lists_changes_and_removes_accounts() {
    let world = World::with(with_client).await;
    let sample = json!({ "student_card": world.issuer.types["student_card"].sample() });
    for (name, password, claims, status) in [
        ("", PASSWORD, &sample, 422),
        ("ada", "short", &sample, 422),
        ("ada", PASSWORD, &json!({}), 422),
        ("ada", PASSWORD, &json!({ "crown": {} }), 422),
        ("ada", PASSWORD, &json!({ "student_card": { "given_name": 1 } }), 422),
        ("ada", PASSWORD, &json!([]), 400),
    ] {
        let answer = add(&world, name, password, claims).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(!answer.text().contains(PASSWORD));
    }
    assert_eq!(add(&world, "ada", PASSWORD, &sample).await.status, 201);
    assert_eq!(add(&world, "ada", PASSWORD, &sample).await.status, 409);
    assert_eq!(add(&world, "Zoë Müller", PASSWORD, &sample).await.status, 201);
    let listed = world.operator("GET", "/admin/v1/accounts", None).await.json();
    assert_eq!(listed, json!({ "accounts": ["Zoë Müller", "ada"] }));
    let path = "/admin/v1/accounts/Zo%C3%AB%20M%C3%BCller";
    let body = json!({ "password": "another password" });
    let changed = world.operator("POST", &format!("{path}/password"), Some(&body)).await;
    assert_eq!(changed.status, 204);
    let stored = world.issuer.store.account("Zoë Müller").await.unwrap().unwrap();
    assert!(stored.password_hash.matches(&Password::new("another password")));
    assert_eq!(world.operator("DELETE", path, None).await.status, 204);
    assert_eq!(world.operator("DELETE", path, None).await.status, 404);
    let after = world.operator("GET", "/admin/v1/accounts/after/Z", None).await.json();
    assert_eq!(after, json!({ "accounts": ["ada"] }));
}
